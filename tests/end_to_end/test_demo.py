"""The page of `make demo`, in a real browser.

Pictures for the README, of the models in the project's own store:
python -m pytest tests/end_to_end/test_demo.py --study default --screenshots docs/images
"""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from tests.support import browser
from tests.support.browser import find_all, texts, wait
from tests.support.commands import ROOT, make_project, run
from tests.support.servers import running

pytestmark = pytest.mark.slow

MODELS = ("model=mlp", "model.units=[64]", "epochs=12", "batch_size=16")
SEVEN = [(-65, -75), (65, -75), (45, -30), (5, 40), (-15, 85)]  # from the middle of the paper
ASKED = "return performance.getEntriesByType('resource').map(one => new URL(one.name).host)"


@pytest.fixture(scope="module")
def address(request, small_mnist, tmp_path_factory) -> Iterator[str]:
    """The page with the models of a multirun and a champion, or those of --study."""
    if study := request.config.getoption("--study"):
        with running("src.demo", "--study", study, folder=ROOT, ready="") as address:
            yield address
        return
    project = make_project(tmp_path_factory.mktemp("demo") / "project", small_mnist)
    for words in (["src.train", *MODELS, "activation=relu,swish", "-m"], ["src.promote", "best"]):
        done = run(project, *words)
        assert done.returncode == 0, done.stderr
    with running("src.demo", folder=project, ready="") as address:
        yield address


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> Iterator[Chrome]:
    with browser.running(tmp_path_factory.mktemp("profile"), height=1005, scale=1.5) as driver:
        yield driver


@pytest.fixture
def page(address, driver) -> Chrome:
    driver.get(address)
    wait(driver, lambda: find_all(driver, "body[data-ready]"))
    return driver


@pytest.fixture
def picture(request, page) -> Callable[[str], None]:
    """Keep a picture of the whole page under a name, if --screenshots gives a folder."""
    return partial(browser.picture, request.config.getoption("--screenshots"), page)


def draw(driver: Chrome, points: list[tuple[int, int]]) -> None:
    """Draw a line with the pointer, by its points from the middle of the paper."""
    [paper] = find_all(driver, "#drawing")
    first, *others = points
    pointer = ActionChains(driver, duration=50).move_to_element_with_offset(paper, *first)
    pointer.click_and_hold()
    for point in others:
        pointer.move_to_element_with_offset(paper, *point)
    pointer.release().perform()


def test_a_seven_that_is_drawn_is_read_as_a_seven_by_every_model(page, picture):
    draw(page, SEVEN)
    wait(page, lambda: set(texts(page, ".answer b")) == {"7"})
    assert len(texts(page, ".answer b")) >= 2
    assert all(time.endswith(" ms") for time in texts(page, ".time"))
    assert len(find_all(page, ".model h3 span")) <= 1  # the champion
    [about] = texts(page, "#about")
    assert "models read along" in about
    assert ("the champion and" in about) == bool(find_all(page, ".model h3 span"))
    assert texts(page, "#source") == ["Your drawing"]
    picture("demo")


def test_the_keyboard_draws_too_and_clears(page):
    [paper] = find_all(page, "#drawing")
    paper.send_keys(Keys.SPACE, *[Keys.ARROW_DOWN] * 10)
    wait(page, lambda: set(texts(page, ".answer b")) == {"1"})
    assert "reads 1" in page.find_element(By.ID, "spoken").get_attribute("textContent")
    paper.send_keys(Keys.DELETE)
    wait(page, lambda: set(texts(page, ".answer b")) == {"–"})


def test_undo_takes_back_the_last_stroke(page):
    draw(page, SEVEN)
    wait(page, lambda: set(texts(page, ".answer b")) == {"7"})
    page.find_element(By.ID, "undo").click()
    wait(page, lambda: texts(page, "#source") == ["Nothing drawn yet"])


def test_a_random_test_image_is_read(page):
    page.find_element(By.ID, "random").click()
    wait(page, lambda: texts(page, "#source")[0].startswith("Test image "))
    assert "–" not in texts(page, ".answer b")


def test_a_confident_error_can_be_replayed(page):
    first = find_all(page, "#gallery button")[0]
    image, by = first.text.split("\n")
    label, read = image.split(", read as ")
    reader = by.removeprefix("by ").rpartition(",")[0]
    first.click()
    wait(page, lambda: texts(page, "#source")[0].endswith(f"labeled {label}"))
    card = next(one for one in find_all(page, ".model") if one.text.startswith(reader))
    assert "✗ wrong" in card.text
    assert card.find_element(By.CSS_SELECTOR, ".answer b").text == read


def test_it_fits_a_phone_and_asks_no_other_host(page, address, picture):
    host = address.removeprefix("http://")
    assert set(page.execute_script(ASKED)) <= {host}
    try:
        browser.resize(page, 390, 844, 1.5)
        draw(page, SEVEN)
        wait(page, lambda: "7" in texts(page, ".answer b"))
        width = page.execute_script("return document.documentElement.scrollWidth")
        assert width <= 390
        picture("demo-390")
    finally:
        browser.resize(page, 1280, 900, 1.5)


def test_in_the_dark_its_ground_is_dark(page, picture):
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(ground)

    def theme(name):
        feature = {"name": "prefers-color-scheme", "value": name}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    try:
        theme("dark")
        draw(page, SEVEN)
        wait(page, lambda: "7" in texts(page, ".answer b"))
        assert page.execute_script(ground) != light
        picture("demo-dark")
    finally:
        theme("light")
