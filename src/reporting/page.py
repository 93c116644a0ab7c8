"""Writes a report: one self-contained HTML page, and its figures and numbers as files."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import jinja2
import numpy as np
import psutil
from mlflow import MlflowClient

from src.data import dataset
from src.evidence import findings, statistics
from src.evidence.findings import Findings
from src.evidence.run_set import RunSet
from src.evidence.statistics import Estimate
from src.reporting import (
    activation_exhibits,
    activation_profile,
    captions,
    comparison_figures,
    exhibits,
    export,
)
from src.reporting.activation_profile import Profile
from src.reporting.exhibits import Embedded
from src.runtime import atomic_write, errors, formatting, hardware, paths
from src.tracking import views

PAGE = "index.html"
ARTIFACTS = "report"  # the folder inside the parent run
LIBRARIES = ("numpy", "scipy", "matplotlib", "mlflow")


def write(client: MlflowClient, runs: RunSet, found: Findings) -> Path:
    """Draw and write the report on a set of runs, and log it to their parent run.

    Args:
        client: of the store that the runs are in.
        runs: the set.
        found: the findings on it.

    Returns:
        The path of the page. A report that was there before is replaced as a whole.
    """
    own = activation_profile.profile(runs, found)
    images = held_out_images(runs)
    target = paths.REPORTS / runs.folder
    with atomic_write.writing(target) as [folder]:
        (folder / "figures").mkdir(parents=True)
        shown = [*exhibits.of(found, images, runs.labels), *activation_exhibits.of(found, own)]
        drawn = exhibits.draw(shown, folder / "figures")
        (folder / PAGE).write_text(render(runs, found, own, drawn, images is not None))
        (folder / "results.json").write_text(export.as_json(runs, found, own.costs))
        export.runs_table(runs, found).to_csv(folder / "runs.csv", index=False)
        export.pairs_table(found).to_csv(folder / "pairs.csv", index=False)
    client.log_artifacts(runs.parent_id, str(target), ARTIFACTS)
    for name, look in comparison_figures.looks(found.activations).items():
        for one in runs.trainings[name]:  # in MLflow's charts the colors are those of the page
            client.set_tag(one.run_id, views.COLOUR, look.color)
    return target / PAGE


def held_out_images(runs: RunSet) -> np.ndarray | None:
    """Return the images that the runs were scored on, uint8 (images, 28, 28), if available."""
    try:
        here = dataset.describe()
        images = dataset.load(paths.TEST)["images"]
    except errors.InputError:
        return None
    same = here.digest == runs.first.tags.get("data_digest")
    return images if same and len(images) == len(runs.labels) else None


def render(
    runs: RunSet,
    found: Findings,
    own: Profile,
    drawn: Mapping[str, Embedded],
    images_at_hand: bool,
) -> str:
    """Return the page.

    Args:
        runs: the set.
        found: the findings on it.
        own: the profile of its activations.
        drawn: the exhibits, by name.
        images_at_hand: whether the held-out images were available.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template("report.html").render(
        runs=runs,
        found=found,
        own=own,
        exhibits=drawn,
        images_at_hand=images_at_hand,
        headline=captions.headline(found),
        verdicts=[(pair, statistics.verdict(pair.comparison)) for pair in found.pairs],
        provenance=provenance(runs),
        effect=statistics.EFFECT_OF_INTEREST,
        goal=findings.GOAL,
        median=np.median,
        nanmedian=np.nanmedian,
        isnan=np.isnan,
    )


def provenance(runs: RunSet) -> dict[str, list[str]]:
    """Return how the runs and the report were made: lines, by topic."""
    tags = [one.tags for one in runs]

    def every(name: str) -> list[str]:
        return list(dict.fromkeys(tag[name] for tag in tags if name in tag))

    dirty = sum(tag.get("git_dirty") == "true" for tag in tags)
    command = runs.tags.get("command")
    frameworks = (("Python", "python"), ("TensorFlow", "tensorflow"), ("Keras", "keras"))
    cores = [formatting.count(int(cpus), "logical core") for cpus in every("cpus")]
    own_cores = formatting.count(psutil.cpu_count() or 1, "logical core")
    return {
        "Commit": [
            *(every("git_commit") or ["unknown"]),
            *([f"{dirty} of {len(tags)} runs with uncommitted changes"] if dirty else []),
        ],
        "Data": [
            *(f"SHA-256 {digest}" for digest in every("data_digest")),
            f"{len(runs.labels):,} held-out images",
        ],
        "Trained": [
            f"{min(one.started for one in runs):%Y-%m-%d %H:%M} to "
            f"{max(one.ended for one in runs):%Y-%m-%d %H:%M} UTC"
        ],
        "Versions": [
            *(f"{label} {number}" for label, name in frameworks for number in every(name)),
            *(f"{name} {version(name)} (report)" for name in LIBRARIES),
        ],
        "Machine": [
            *(f"{each} (runs)" for each in cores),
            f"{hardware.processor()}, {own_cores} (report)",
        ],
        "MLflow": [f"run {runs.parent_id} with {formatting.count(len(tags), 'run')} below it"],
        "To reproduce it": [command] if command else every("command"),
    }


# The filters of the template


def points(fraction: float) -> str:
    """Return a fraction in percent or percentage points, with three decimals."""
    return formatting.signed(100 * fraction, 3)


def points_interval(estimate: Estimate, digits: int = 3) -> str:
    """Return the interval of a fraction in percent or percentage points, rounded outward."""
    return formatting.span(100 * estimate.low, 100 * estimate.high, digits)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """Return an interval, rounded outward."""
    return formatting.span(estimate.low, estimate.high, digits)


def p_value(value: float) -> str:
    """Return a p value without its name: `0.031` or `< 0.001`."""
    return formatting.p_text(value, statistics.ALPHA).removeprefix("p ").removeprefix("= ")


def seeds(needed: int | None) -> str:
    """Return how many seeds are needed."""
    return "over 10,000" if needed is None else f"{needed:,}"


def unbroken(text: str) -> str:
    """Return a text with no-break spaces between numbers and their units or signs."""
    return re.sub(r"(?<=\bp) (?=[<=])|(?<=[<=]) (?=\d)|(?<=\d) (?=(?:pp|ns)\b)", "\xa0", text)


FILTERS = {
    "points": points,
    "points_interval": points_interval,
    "interval": interval,
    "p_value": p_value,
    "seeds": seeds,
    "signed": formatting.signed,
    "unbroken": unbroken,
}
