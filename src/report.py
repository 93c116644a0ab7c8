"""Report what a study, or a multirun made by hand, shows: one HTML page, its figures, its numbers.

python -m src.report
python -m src.report RUN_ID
python -m src.report STUDY --reference gelu
"""

import argparse
import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import numpy as np
import psutil
from matplotlib import rc_context
from matplotlib.figure import Figure

from src.data import dataset
from src.evaluation import figures
from src.evidence import findings, statistics
from src.evidence.findings import Findings
from src.evidence.run_set import Runs
from src.reporting import captions, comparison_figures, export
from src.reporting.captions import Caption
from src.runtime import atomic_write, errors, formatting, hardware, heavy_imports, paths
from src.tracking import views

if TYPE_CHECKING:  # it needs TensorFlow
    from src.reporting.activation_profile import Cost, Curve

PAGE = "index.html"
ARTIFACTS = "report"  # the folder inside the parent run
X = np.linspace(-5, 5, 1001)  # where the activations are drawn
LIBRARIES = ("numpy", "scipy", "statsmodels", "matplotlib", "mlflow")


@dataclass(frozen=True)
class Profile:
    """The activations themselves.

    Attributes:
        curves: as they start, by activation, the reference first.
        learned: with the least and the greatest β that was learned, where one was.
        start: where a learned β starts.
        costs: of each alone.
    """

    curves: Mapping[str, "Curve"]
    learned: Mapping[str, list["Curve"]]
    start: Mapping[str, float]
    costs: Mapping[str, "Cost"]


@dataclass(frozen=True)
class Exhibit:
    """A figure in the page: its files' name, its caption, and both versions as data URIs."""

    name: str
    caption: Caption
    light: str
    dark: str


def profile(runs: Runs, found: Findings) -> Profile:
    """Return what the activations are by themselves; this imports TensorFlow."""
    heavy_imports.load()
    from src.reporting import activation_profile

    settings = {name: runs.settings(name) for name in found.activations}
    learned = {}
    for name, layers in found.betas.items():
        ends = [float(np.median(values[:, -1])) for values in layers.values()]
        learned[name] = [
            activation_profile.curve({**settings[name], "beta": str(beta)}, X)
            for beta in (min(ends), max(ends))
        ]
    return Profile(
        curves={name: activation_profile.curve(one, X) for name, one in settings.items()},
        learned=learned,
        start={name: float(settings[name]["beta"]) for name in found.betas},
        costs=activation_profile.costs(settings, runs.recipe["precision"]),
    )


def held_out_images(runs: Runs) -> np.ndarray | None:
    """Return the images that the runs were scored on, uint8 (images, 28, 28), if they are here."""
    try:
        here = dataset.describe()
        images = dataset.load(paths.TEST)["images"]
    except errors.InputError:
        return None
    same = here.digest == runs.first.tags.get("data_digest")
    return images if same and len(images) == len(runs.labels) else None


def draw(
    runs: Runs, found: Findings, own: Profile, images: np.ndarray | None, folder: Path
) -> dict[str, Exhibit]:
    """Write every figure that the runs have something for, on white and on black.

    Args:
        runs: the set.
        found: what it shows.
        own: the activations themselves.
        images: the held-out images, uint8 (images, 28, 28), if they are at hand.
        folder: where the PNGs go.

    Returns:
        The exhibits, by name.
    """
    drawings: dict[str, tuple[Caption, Callable[[], Figure]]] = {}

    def add(drawing: Callable[..., Figure], caption: Caption, *more: object) -> None:
        drawings[drawing.__name__] = caption, lambda: drawing(*more)

    add(comparison_figures.accuracy, captions.accuracy(found), found)
    add(comparison_figures.differences, captions.differences(found), found)
    add(comparison_figures.power, captions.power(found), found)
    if found.times:
        add(comparison_figures.epoch_time, captions.epoch_time(found), found)
    cost_caption = captions.activation_cost(own.costs, found.reference)
    add(comparison_figures.activation_cost, cost_caption, own.costs)
    add(comparison_figures.learning_curves, captions.learning_curves(found), found)
    add(comparison_figures.calibration, captions.calibration(found), found)
    add(comparison_figures.error_overlap, captions.error_overlap(found), found)
    if images is not None and any(map(len, found.only_wrong.values())):
        labels = runs.labels
        add(comparison_figures.only_wrong, captions.only_wrong(found), found, images, labels)
    if found.betas:
        add(comparison_figures.betas, captions.betas(found, own.start), found, own.start)
    add(comparison_figures.shapes, captions.shapes(own.curves), own.curves, own.learned)

    exhibits = {}
    for name, (caption, drawing) in drawings.items():
        light, dark = folder / f"{name}.png", folder / f"{name}-dark.png"
        for path, style in ((light, figures.STYLE), (dark, figures.DARK)):
            with rc_context(style):
                figures.save(drawing(), path)
        exhibits[name] = Exhibit(name, caption, _data_uri(light), _data_uri(dark))
    return exhibits


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def provenance(runs: Runs) -> dict[str, list[str]]:
    """Return how the runs and the report were made: lines by what they are about."""
    tags = [one.tags for one in runs]

    def every(name: str) -> list[str]:
        return list(dict.fromkeys(tag[name] for tag in tags if name in tag))

    dirty = sum(tag.get("git_dirty") == "true" for tag in tags)
    command = runs.tags.get("command")
    return {
        "Commit": [
            *(every("git_commit") or ["not known"]),
            *([f"{dirty} of {len(tags)} runs with uncommitted changes"] if dirty else []),
        ],
        "Data": [f"SHA-256 {digest}" for digest in every("data_digest")]
        + [f"{len(runs.labels):,} held-out images"],
        "Trained": [
            f"{min(one.started for one in runs):%Y-%m-%d %H:%M} to "
            f"{max(one.ended for one in runs):%Y-%m-%d %H:%M} UTC"
        ],
        "Versions": [
            f"{label} {number}"
            for label, name in (
                ("Python", "python"),
                ("TensorFlow", "tensorflow"),
                ("Keras", "keras"),
            )
            for number in every(name)
        ]
        + [f"{name} {version(name)} (report)" for name in LIBRARIES],
        "Machine": [
            f"{formatting.count(int(cpus), 'logical core')} (trainings)" for cpus in every("cpus")
        ]
        + [
            f"{hardware.processor()}, "
            f"{formatting.count(psutil.cpu_count(), 'logical core')} (report)"
        ],
        "MLflow": [f"run {runs.parent_id}, {formatting.count(len(tags), 'training')}"],
        "To repeat it": [command] if command else every("command"),
    }


def render(
    runs: Runs,
    found: Findings,
    own: Profile,
    exhibits: Mapping[str, Exhibit],
    images_at_hand: bool,
) -> str:
    """Return the page.

    Args:
        runs: the set.
        found: what it shows.
        own: the activations themselves.
        exhibits: by name.
        images_at_hand: whether the held-out images were.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("reporting") / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "points": lambda fraction: formatting.signed(100 * fraction, 3),
        "percent": formatting.percent,
        "p": lambda p_value: formatting.p_text(p_value, statistics.ALPHA).lstrip("p= "),
        "unbroken": lambda text: re.sub(r"(?<=\bp) (?=[<=])|(?<=[<=\d]) (?=[\d%×])", "\xa0", text),
        "span": lambda one, factor=100, digits=3: formatting.span(
            factor * one.low, factor * one.high, digits
        ),
        "signed": formatting.signed,
        "seeds": lambda needed: "over 10,000" if needed is None else f"{needed:,}",
    }
    return environment.get_template("report.html").render(
        runs=runs,
        found=found,
        own=own,
        exhibits=exhibits,
        images_at_hand=images_at_hand,
        headline=captions.headline(found),
        verdicts=[(pair, statistics.verdict(pair.comparison)) for pair in found.pairs],
        provenance=provenance(runs),
        worth=statistics.WORTH_SHOWING,
        goal=findings.GOAL,
        median=np.median,
        nanmedian=np.nanmedian,
        isnan=np.isnan,
    )


def main() -> None:
    """Find the runs, check them, compute, draw, write, and log it all to the parent run."""
    parser = argparse.ArgumentParser(description="Report what a study or a multirun shows.")
    parser.add_argument(
        "wanted",
        nargs="?",
        metavar="RUN_ID|STUDY",
        help="a parent run in MLflow, or a study's name; the newest of either if left out",
    )
    parser.add_argument(
        "--reference",
        metavar="ACTIVATION",
        help="what the others are compared with; relu if left out",
    )
    given = parser.parse_args()
    from src.evidence import load_runs
    from src.tracking import store  # MLflow, which is slow to import

    client = store.reader()
    runs = load_runs.load(client, given.wanted)
    reference = findings.reference_of(runs, given.reference)
    size = f"{len(runs.trainings)} activations × {len(runs.seeds)} seeds"
    print(f"{runs.title} · {size}", flush=True)
    for remark in runs.remarks:
        print(f"Note: {remark}", flush=True)
    found = findings.compute(runs, reference)
    for pair in found.pairs:
        print(statistics.verdict(pair.comparison), flush=True)

    own = profile(runs, found)
    images = held_out_images(runs)
    target = paths.REPORTS / runs.folder
    with atomic_write.writing(target) as [folder]:
        (folder / "figures").mkdir(parents=True)
        exhibits = draw(runs, found, own, images, folder / "figures")
        page = render(runs, found, own, exhibits, images is not None)
        (folder / PAGE).write_text(page)
        (folder / "results.json").write_text(export.as_json(runs, found, own.costs))
        export.runs_table(runs, found).to_csv(folder / "runs.csv", index=False)
        export.pairs_table(found).to_csv(folder / "pairs.csv", index=False)
    client.log_artifacts(runs.parent_id, str(target), ARTIFACTS)
    for name, look in comparison_figures.looks(found.activations).items():
        for one in runs.trainings[name]:  # in MLflow's charts the colours are those of the page
            client.set_tag(one.run_id, views.COLOUR, look.color)
    print(f"{target / PAGE}, and in MLflow's run {runs.parent_id} under {ARTIFACTS}/")


if __name__ == "__main__":
    errors.run(main)
