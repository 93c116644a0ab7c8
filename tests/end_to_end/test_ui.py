"""A study, read in MLflow's pages by a real browser.

Pictures for the README, of a study in the project's own store:
python -m pytest tests/end_to_end/test_ui.py --study default --screenshots docs/images
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from src.core import metric_names
from src.tracking import views
from src.tracking.store import reader
from tests.support import browser
from tests.support.browser import find, find_all, texts, wait
from tests.support.commands import SMALL, make_project, run, store
from tests.support.servers import serving

pytestmark = pytest.mark.slow

STUDY = {
    "question": "Does the activation matter?",
    "factor": "activation",
    "levels": ["relu", "swish", "swish_beta"],
    "reference": "relu",
    "seeds": [1, 2],
    "experiment": "default",
    "dataset": "files-any",
    "smallest_effect": 0.0002,
    "because": "It is enough here.",
    "overrides": [*SMALL, "epochs=3"],
    "workers": 2,
}
CARD = "[data-testid=experiment-view-compare-runs-card]"  # of a chart
FILE = "[data-testid=artifact-tree-node]"
HIDE_PATHS = """
    for (const one of document.querySelectorAll("*"))
        if (!one.children.length && one.textContent.startsWith("Path: file:"))
            one.style.visibility = "hidden";
"""
LINES = """card => {
    const plot = card.querySelector(".js-plotly-plot");
    const drawn = plot && plot.querySelector(".js-line");
    const data = drawn ? plot.data : [];
    return data.map(one => [one.name, one.y.length, one.marker.color.slice(0, 7)]);
}"""


@dataclass(frozen=True)
class Shown:
    """A study in a running MLflow: its parent run, and its finished children by their names."""

    address: str
    client: MlflowClient
    parent: Run
    children: dict[str, Run]

    def page(self, run: Run) -> str:
        """Return the address of a run's page."""
        return f"{self.address}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"


@pytest.fixture(scope="module")
def shown(request, small_mnist, tmp_path_factory) -> Iterator[Shown]:
    """The study that --study names, else a small one, with its report."""
    name = request.config.getoption("--study")
    folder = tmp_path_factory.mktemp("ui")
    if name:
        client = reader()
    else:
        name = "mine"
        project = make_project(folder / "project", small_mnist)
        (project / "conf" / "study" / f"{name}.yaml").write_text(yaml.safe_dump(STUDY))
        for command in ("src.study", "src.report"):
            done = run(project, command, name)
            assert done.returncode == 0, done.stderr
        client = store(project)
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.study = '{name}'")
    [parent] = (one for one in found if "mlflow.parentRunId" not in one.data.tags)
    finished = (one for one in found if one is not parent and one.info.status == "FINISHED")
    children = {one.info.run_name: one for one in finished}
    command = ["ui", "--workers", "1", "--backend-store-uri", client.tracking_uri]
    quick = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # which nobody here asks for
    with serving(*command, folder=folder, ready="health", **quick) as address:
        yield Shown(address, client, parent, children)


@pytest.fixture(scope="module")
def driver(shown, tmp_path_factory) -> Iterator[Chrome]:
    """A browser that has closed MLflow's assistant, and put its traces aside."""
    with browser.running(tmp_path_factory.mktemp("profile"), scale=1.5) as driver:
        driver.get(shown.address)
        find(driver, "button[aria-label=Close]").click()
        find(driver, "span", "Model training").click()
        yield driver


@pytest.fixture
def picture(request, driver) -> Callable[[str], None]:
    """Keep a picture of the page under a name, if --screenshots gives a folder."""

    def keep(name: str) -> None:
        driver.execute_script(HIDE_PATHS)
        browser.picture(request.config.getoption("--screenshots"), driver, name)

    return keep


def see_children(driver: Chrome, shown: Shown) -> None:
    """Expand the study's row, and see its children, as many as there is room for."""
    row = f"//*[contains(@class, 'ag-row')][.//a[. = '{shown.parent.info.run_name}']]"
    expanders = wait(driver, lambda: driver.find_elements(By.XPATH, f"{row}//button"), "the study")
    expanders[0].click()
    room, links = min(len(shown.children), 9), ".ag-row a[href*='/runs/']"
    wait(driver, lambda: len({*texts(driver, links)} & {*shown.children}) >= room, "a child")


def follow(driver: Chrome, shown: Shown, text: str) -> None:
    """Open a link of the study's description."""
    driver.get(shown.page(shown.parent))
    driver.get(find(driver, "a", text).get_attribute("href"))


def open_file(driver: Chrome, shown: Shown, run: Run, *parts: str) -> None:
    """Open a file among a run's artifacts, folder by folder."""
    driver.get(shown.page(run))
    find(driver, "[role=tab]", "Artifacts").click()
    for part in parts:
        find(driver, FILE, part).click()


def lines(driver: Chrome, title: str) -> dict[str, tuple[int, str]]:
    """Return the lines that a chart has drawn, by their runs: how many points, and the colour."""
    cards = [card for card in find_all(driver, CARD) if card.text.startswith(title)]
    drawn = script(driver, LINES, cards[0]) if cards else []
    return {name: (count, colour) for name, count, colour in drawn}


def script(driver: Chrome, source: str, element: WebElement) -> list:
    """Call a function of an element in the browser; return its result."""
    return driver.execute_script(f"return ({source})(arguments[0])", element)


def epochs(shown: Shown, run: Run) -> int:
    """Return how many epochs a training took."""
    return len(shown.client.get_metric_history(run.info.run_id, metric_names.EPOCH_SECONDS))


def test_the_experiment_lists_the_study_and_under_it_its_children(shown, driver):
    driver.get(f"{shown.address}/#/experiments")
    experiment = shown.client.get_experiment(shown.parent.info.experiment_id)
    find(driver, "a", experiment.name).click()
    see_children(driver, shown)


def test_the_study_describes_itself(shown, driver, picture):
    driver.get(shown.page(shown.parent))
    find(driver, "button", "Show more").click()
    activations = set(json.loads(shown.parent.data.tags["levels"]))
    wait(driver, lambda: activations <= set(texts(driver, "td code")), "its table")
    means = {f"{metric_names.STUDY_ACCURACY}{one}" for one in activations}
    wait(driver, lambda: means <= set(texts(driver, "a")), "its metrics")
    picture("mlflow-study")


def test_its_runs_are_a_table_by_activation_and_seed(shown, driver, picture):
    follow(driver, shown, "Its runs")
    see_children(driver, shown)
    wanted = ["activation", "seed", metric_names.TEST_ACCURACY, metric_names.MEDIAN_EPOCH_SECONDS]
    titles = texts(driver, ".ag-header-cell")
    assert [one for one in titles if one in wanted] == wanted
    picture("mlflow-runs")


def test_its_charts_have_a_line_for_each_run_in_the_colour_of_its_activation(
    shown, driver, picture
):
    follow(driver, shown, "its charts")
    for metric in views.CHARTS:
        wait(driver, lambda one=metric: lines(driver, one).keys() == shown.children.keys(), metric)
        colours: dict[str, set[str]] = {}
        for name, (count, colour) in lines(driver, metric).items():
            child = shown.children[name]
            assert count == epochs(shown, child)
            colours.setdefault(child.data.tags["activation"], set()).add(colour)
        assert {len(some) for some in colours.values()} == {1}
        assert len(set.union(*colours.values())) == len(colours)
    picture("mlflow-charts")


def test_a_child_shows_its_epoch_times(shown, driver, picture):
    name, child = next(iter(shown.children.items()))
    driver.get(shown.page(shown.parent))
    find(driver, "a", name).click()
    find(driver, "[role=tab]", "Model metrics").click()
    find(driver, "input").send_keys(f"^({'|'.join(views.CHARTS)})$")
    drawn = wait(driver, lambda: lines(driver, metric_names.EPOCH_SECONDS), "a chart of its times")
    assert {one: count for one, (count, _) in drawn.items()} == {name: epochs(shown, child)}
    picture("mlflow-epochs")


def test_a_child_shows_its_submission(shown, driver, picture):
    open_file(driver, shown, next(iter(shown.children.values())), "submission.csv")
    titles = wait(driver, lambda: texts(driver, "th"), "the submission")
    assert titles[:2] == ["ImageId", "Label"]
    picture("mlflow-submission")


def test_the_study_shows_its_report_whose_links_work(shown, driver, picture):
    open_file(driver, shown, shown.parent, "report", "index.html")
    frame = find(driver, "iframe")
    picture("mlflow-report")
    driver.switch_to.frame(frame)
    try:
        top = find(driver, "h1")
        assert top.text == shown.parent.data.tags["question"]
        find(driver, "nav a:last-child").click()
        out_of_sight = "one => one.getBoundingClientRect().bottom < 0"
        wait(driver, lambda: script(driver, out_of_sight, top), "the last section")
    finally:
        driver.switch_to.default_content()


def test_without_a_browser_the_test_names_the_packages_to_install(tmp_path, monkeypatch):
    for name, value in (("PATH", ""), ("SE_OFFLINE", "true"), ("SE_CACHE_PATH", str(tmp_path))):
        monkeypatch.setenv(name, value)
    with pytest.raises(pytest.fail.Exception, match="packages chromium and chromium-driver"):
        browser.start(tmp_path)
