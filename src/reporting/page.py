"""Writes a report: one self-contained HTML page, and its figures and numbers as files."""

import re
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import psutil
from mlflow import MlflowClient

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.data import dataset
from src.reporting import captions, drawing, exhibits, export, factor_exhibits, tables
from src.reporting.exhibits import Embedded
from src.reporting.factor_exhibits import Brought
from src.runtime import atomic_write, errors, formatting, hardware, paths
from src.tracking import run_tags, views

PAGE = "index.html"
REPRODUCE = "To reproduce it"  # a topic of the provenance
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
    brought = factor_exhibits.of(client, runs, found)
    images = held_out_images(runs)
    target = paths.REPORTS / runs.folder
    with atomic_write.writing(target) as [folder]:
        (folder / "figures").mkdir(parents=True)
        general = exhibits.of(found, images, runs.labels, runs.classes)
        drawn = exhibits.draw([*general, *brought.exhibits], folder / "figures")
        for name, text in render(runs, found, brought, drawn, images is not None).items():
            (folder / name).write_text(text)
        (folder / "results.json").write_text(export.as_json(runs, found, brought))
        export.runs_table(runs, found).to_csv(folder / "runs.csv", index=False)
        export.pairs_table(found).to_csv(folder / "pairs.csv", index=False)
    client.log_artifacts(runs.parent_id, str(target), ARTIFACTS)
    for name, look in drawing.looks_of(found).items():
        for one in runs.trainings[name]:  # in MLflow's charts the colors are those of the page
            client.set_tag(one.run_id, views.COLOUR, look.color)
    return target / PAGE


def held_out_images(runs: RunSet) -> np.ndarray | None:
    """Return the images that the runs were scored on, uint8 (images, 28, 28), if available."""
    try:
        here = dataset.load_description()
        images = dataset.load(paths.TEST)["images"]
    except errors.InputError:
        return None
    same = here.digest == runs.first.tags.get("data_digest")
    return images if same and len(images) == len(runs.labels) else None


def render(
    runs: RunSet,
    found: Findings,
    brought: Brought,
    drawn: Mapping[str, Embedded],
    images_at_hand: bool,
) -> dict[str, str]:
    """Return the page by the name of its file: as HTML, and as Markdown.

    Args:
        runs: the set.
        found: the findings on it.
        brought: what its factor brings along.
        drawn: the exhibits, by name.
        images_at_hand: whether the held-out images were available.
    """
    shown = sections(drawn)
    told = provenance(runs)
    reproduce = told.pop(REPRODUCE)
    return in_both(
        "report",
        runs=runs,
        found=found,
        factor=found.factor,
        about=about(runs, found),
        own=brought.profile,
        parameters=brought.parameters,
        exhibits=drawn,
        sections=shown,
        further=[(name, needs) for name, (_, needs) in SECTIONS.items() if needs and name in shown],
        images_at_hand=images_at_hand,
        heading=heading(runs),
        explained={
            name: runs.values[name]
            for name in found.levels
            if "=" in runs.values.get(name, "") and runs.values[name] != name
        },
        headline=captions.headline(found),
        pairs=captions.with_the_reference(found),
        others=captions.without_the_reference(found),
        times_apart=captions.times_apart(found.times, found.reference, found.factor)
        if found.times
        else "",
        remarks=(*runs.remarks, *found.remarks),
        provenance=told,
        commands="\n".join([*reproduce, command(runs, found)]),
        recipe=dict(sorted(runs.recipe.items())),
    )


def in_both(template: str, **values: Any) -> dict[str, str]:
    """Return a template rendered as HTML and as Markdown, by the name of the file.

    Args:
        template: its name without the ending; both formats share its words.
        values: that it asks for.
    """
    made = {}
    for name, ending in ((PAGE, "html"), (paths.READABLE_REPORT, "md")):
        found = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=ending == "html",
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        found.filters |= FILTERS
        words = found.get_template(f"{template}.{ending}")
        text = words.render(parts=f"parts.{ending}", tables=tables, **values)
        made[name] = text if ending == "html" else _tidy(text)
    return made


def _tidy(text: str) -> str:
    """Return Markdown with one empty line between its blocks, but none between a list's items."""
    lines = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    blocks = re.sub(r"^- \n+", "- ", lines, flags=re.MULTILINE).split("\n\n")
    tidy: list[str] = []
    for block in filter(None, (block.strip("\n") for block in blocks)):
        if tidy and block.startswith("- ") and tidy[-1].startswith("- "):
            tidy[-1] += f"\n{block}"
        else:
            tidy.append(block)
    return "\n\n".join(tidy) + "\n"


def about(runs: RunSet, found: Findings) -> str:
    """Say what was compared, on what."""
    where = f" of {runs.dataset}" if runs.dataset else ""
    return (
        f"{runs.title}: {len(found.levels)} {found.factor.plural} with {len(found.seeds)} seeds "
        f"each, evaluated on {found.images:,} held-out images{where}."
    )


SECTIONS = {  # the titles, and for those that not every page has, the exhibits that call for them
    "verdict": ("Verdict", ()),
    "accuracies": ("Accuracy", ()),
    "time": ("Time", ()),
    "learning": ("Learning and errors", ()),
    "beta": ("Swish-β", ("betas",)),
    "activations": ("The activations", ("shapes",)),
    "tuning": ("Tuning", ("tuning_gain", "tuning_curves", "winners")),
    "ensembles": ("Ensembles", ("ensembles",)),
    "provenance": ("Provenance", ()),
}


def sections(drawn: Mapping[str, Embedded]) -> dict[str, tuple[int, str]]:
    """Return the page's sections in their order: their numbers and titles."""
    kept = {
        name: title
        for name, (title, needs) in SECTIONS.items()
        if not needs or any(one in drawn for one in needs)
    }
    return {name: (number, title) for number, (name, title) in enumerate(kept.items(), 1)}


def heading(runs: RunSet) -> str:
    """Return the page's title: the study's question, or one in general words."""
    return runs.question or f"Does the {runs.factor.noun} matter?"


def command(runs: RunSet, found: Findings) -> str:
    """Return the command that makes this report again."""
    words = f"python -m src.report {runs.folder if 'study' in runs.tags else runs.parent_id}"
    if found.reference == runs.level_named(None):
        return words
    return f"{words} --reference {shlex.quote(found.reference)}"


def _machine(processor: str | None, cpus: int) -> str:
    """Return a machine in words; runs of older code do not tell their processor."""
    cores = formatting.count(cpus, "logical core")
    return f"{processor}, {cores}" if processor else cores


def provenance(runs: RunSet) -> dict[str, list[str]]:
    """Return how the runs and the report were made: lines, by topic."""
    tags = [one.tags for one in runs]

    def every(name: str) -> list[str]:
        return list(dict.fromkeys(tag[name] for tag in tags if name in tag))

    dirty = sum(tag.get("git_dirty") == "true" for tag in tags)
    made_by = runs.tags.get("command")
    frameworks = (("Python", "python"), ("TensorFlow", "tensorflow"), ("Keras", "keras"))
    machines = dict.fromkeys(
        _machine(tag.get(run_tags.PROCESSOR), int(tag["cpus"])) for tag in tags if "cpus" in tag
    )
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
            *(f"{each} (runs)" for each in machines),
            f"{_machine(hardware.processor(), psutil.cpu_count() or 1)} (report)",
        ],
        "MLflow": [f"run {runs.parent_id} with {formatting.count(len(tags), 'run')} below it"],
        REPRODUCE: [made_by] if made_by else every("command"),
    }


# The filters of the templates


def shortest(value: float) -> str:
    """Return a number with as few decimals as it has, and two at least."""
    text = f"{value:.6f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def unbroken(text: str) -> str:
    """Return a text with no-break spaces between numbers and their units or signs."""
    return re.sub(r"(?<=\bp) (?=[<=])|(?<=[<=]) (?=\d)|(?<=\d) (?=(?:pp|ns)\b)", "\xa0", text)


def in_cell(text: str) -> str:
    """Return a text for a cell of a Markdown table."""
    return text.replace("|", "\\|")


FILTERS = {
    "told": lambda pair, found: captions.sentence(found, pair),
    "shortest": shortest,
    "unbroken": unbroken,
    "in_cell": in_cell,
}
