"""Writes the report of one study: report.md, the page rendered from it, figures and numbers."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.core import atomic_write, paths
from src.core.formatting import count
from src.data import sources
from src.reporting import (
    captions,
    comparison_figures,
    exhibits,
    export,
    factor_exhibits,
    html_page,
    markdown,
    remarks,
    tables,
    verdict_words,
)
from src.reporting import evidence as evidence_file
from src.reporting.evidence import Evidence
from src.reporting.exhibits import Embedded
from src.tracking import run_tags

PAGE, EVIDENCE = "index.html", "evidence.json.gz"


def write(evidence: Evidence, found: Findings, target: Path) -> Path:
    """Draw and write the report on a set of runs to a folder, in place of an earlier one; return
    the path of the page.
    """
    with atomic_write.writing(target) as [folder]:
        (folder / "figures").mkdir(parents=True)
        evidence_file.save(evidence, folder / EVIDENCE)
        evidence = evidence_file.load(folder / EVIDENCE)  # so that the page can be written again
        runs = evidence.runs
        classes = sources.class_names(runs.dataset)
        general = exhibits.of(found, evidence.images, runs.labels, classes)
        specific = factor_exhibits.of(evidence, found)
        drawn = exhibits.draw([*general, *specific], folder / "figures")
        colors = {
            verdict_words.sentence(pair, found.factor): pair.verdict.value for pair in found.pairs
        }
        title = f"{runs.title}: {heading(runs)}"
        save(folder, text(evidence, found, drawn), title, drawn, colors)
        (folder / paths.RESULTS).write_text(export.as_json(evidence, found))
        export.runs_table(runs, found).to_csv(folder / "runs.csv", index=False)
        export.pairs_table(found).to_csv(folder / "pairs.csv", index=False)
    return target / PAGE


def save(
    folder: Path,
    report: str,
    title: str,
    drawn: Mapping[str, Embedded],
    verdicts: Mapping[str, str],
) -> None:
    """Write a report into a folder as Markdown, and rendered as a page; see `html_page.render`."""
    (folder / paths.READABLE_REPORT).write_text(report)
    (folder / PAGE).write_text(html_page.render(report, title, drawn, verdicts))


def text(evidence: Evidence, found: Findings, drawn: Mapping[str, Embedded]) -> str:
    """Return the report as Markdown. A section without content is left out."""
    runs = evidence.runs

    def figures(*names: str) -> str:
        shown = [name for name in names if name in drawn]
        return "\n\n".join(markdown.figure(name, drawn[name].caption) for name in shown)

    pairs, others = list(found.pairs), []
    if len(pairs) > comparison_figures.MANY_PAIRS:  # those without the reference on demand
        pairs = captions.with_the_reference(found)
        others = [pair for pair in found.pairs if pair not in pairs]
    rest = markdown.details(f"The other {len(others)} pairs", tables.verdicts(others))
    definition, columns = verdict_words.how_to_read(found)
    sentences = [verdict_words.sentence(pair, found.factor) for pair in pairs]
    recipe = dict(sorted(runs.recipe.items()))
    costs = tables.costs(found, evidence.profile, evidence.parameters)
    no_times = "There are no times per epoch because the runs have only one epoch, which compiles."
    if found.times:
        no_times = captions.times_apart(found.times, found.reference, found.factor)
    alone = f"one {found.factor.noun} alone"
    no_images = f"No image is misclassified by {alone}, by majority vote of the seeds."
    if found.images_by_seed:
        no_images = "Each seed has other images, so errors of several seeds are not compared."
    elif evidence.images is None:
        no_images = (
            f"The images that {alone} misclassifies are not shown because data/processed does not "
            "have the images that these runs were evaluated on."
        )
    where = f" of {runs.dataset}" if runs.dataset else ""
    return markdown.document(
        f"# {markdown.plain(heading(runs))}",
        f"{markdown.plain(runs.title)}: {len(found.levels)} {found.factor.plural} with "
        f"{len(found.seeds)} seeds each, evaluated on {found.images:,} held-out "
        f"images{markdown.plain(where)}. Its numbers are in [results.json](results.json), "
        "[runs.csv](runs.csv) and [pairs.csv](pairs.csv), its evidence in "
        f"[{EVIDENCE}]({EVIDENCE}).",
        markdown.section(
            "Verdict",
            markdown.strong(verdict_words.headline(found)),
            markdown.plain(definition),
            markdown.bullets(map(markdown.plain, sentences)),
            *map(markdown.note, remarks.of(runs, found)),
            tables.verdicts(pairs),
            rest if others else "",
            columns,
            *_levels(runs, found),
        ),
        markdown.section(
            "Accuracy",
            figures("values", "accuracy"),
            tables.accuracies(found),
            figures("differences", "difference_table"),
            "### The tests",
            tables.tests(pairs),
            _adjustment(found),
            _questions(found),
            verdict_words.seed_effect(found),
            "### Power",
            figures("power"),
            tables.power(found, pairs),
        ),
        markdown.section(
            "Time",
            figures("epoch_time") or markdown.note(no_times),
            figures("pareto", "activation_cost"),
            costs if found.times or evidence.profile or evidence.parameters else "",
        ),
        markdown.section(
            "Learning and errors",
            figures("learning_curves"),
            tables.learning(found),
            figures("calibration", "error_overlap", "uniquely_misclassified"),
            "" if "uniquely_misclassified" in drawn else markdown.note(no_images),
        ),
        markdown.section("Swish-β", figures("betas")),
        markdown.section("The activations", figures("shapes")),
        markdown.section("Tuning", figures("tuning_gain", "tuning_curves", "winners")),
        markdown.section("Ensembles", figures("ensembles")),
        markdown.section(
            "Provenance",
            markdown.facts(provenance(evidence)),
            markdown.commands(_commands(runs, found)),
            markdown.details("The settings that all runs share", markdown.settings(recipe)),
        ),
    )


def heading(runs: RunSet) -> str:
    """Return the page's title: the study's question, or one in general words."""
    return runs.question or f"Does the {runs.factor.noun} matter?"


def _levels(runs: RunSet, found: Findings) -> list[str]:
    """Return the overrides of the levels whose names do not say them."""
    explained = {
        name: runs.values[name]
        for name in found.levels
        if "=" in runs.values.get(name, "") and runs.values[name] != name
    }
    return [f"### The {found.factor.plural}", markdown.settings(explained)] if explained else []


def _adjustment(found: Findings) -> str:
    """Say what p values and intervals allow for: several pairs, and planned looks."""
    parts = []
    if len(found.pairs) > 1:
        only = all(pair.comparison.second == found.reference for pair in found.pairs)
        which = (
            f" with {markdown.plain(found.reference)}, the only ones that this study compares"
            if only and len(found.levels) > 2
            else ""
        )
        parts.append(
            f"The intervals are simultaneous: those of all {len(found.pairs)} pairs{which} hold at "
            "once with a probability of 95%. p is adjusted to match: it is below 0.05 exactly "
            "where the interval excludes 0. The p values of the other tests are adjusted by "
            "Bonferroni's correction."
        )
    if found.looks:
        parts.append(
            f"The study was to be looked at with {', '.join(map(str, found.looks))} seeds, and to "
            "stop where all pairs are decided: its intervals and p values allow for these looks."
        )
    return "\n\n".join(parts)


def _questions(found: Findings) -> str:
    """Return the question that each test answers."""
    seeds = len(found.seeds)
    questions = [
        f"**95% CI and p** (the basis of the verdict): is there a difference {found.intervals}?",
        "**Permutation** (exact): is there a difference for new seeds on the same images? Before "
        f"the adjustment, p is at least {2 / 2**seeds:.2g} with {seeds} seeds.",
    ]
    if not found.images_by_seed:
        questions.append(
            "**McNemar** (exact): is there a difference for new images between the majority votes "
            "of these runs? It says whether the runs differ, not whether the "
            f"{found.factor.noun} is the cause."
        )
    return markdown.bullets(questions)


def _commands(runs: RunSet, found: Findings) -> str:
    """Return the command that trained the runs, or else those that trained each, and the one that
    writes this report again.
    """
    trained = [runs.tags["command"]] if "command" in runs.tags else _every(runs, "command")
    again = f"python -m src.report {name(runs)}"
    if found.reference != runs.level_named(None):
        again += f" --reference {shlex.quote(found.reference)}"
    return "\n".join([*trained, again])


def name(runs: RunSet) -> str:
    """Return the word by which `python -m src.report` finds the runs."""
    return runs.folder if run_tags.STUDY in runs.tags else runs.parent_id


def provenance(evidence: Evidence) -> dict[str, list[str]]:
    """Return where the runs and the report come from: lines, by topic."""
    runs = evidence.runs
    tags = [one.tags for one in runs]
    dirty = sum(tag.get("git_dirty") == "true" for tag in tags)
    frameworks = (("Python", "python"), ("TensorFlow", "tensorflow"), ("Keras", "keras"))
    machines = dict.fromkeys(
        machine(tag.get(run_tags.PROCESSOR), int(tag["cpus"])) for tag in tags if "cpus" in tag
    )
    return {
        "Commit": [
            *(_every(runs, "git_commit") or ["unknown"]),
            *([f"{dirty} of {len(tags)} runs with uncommitted changes"] if dirty else []),
        ],
        "Data": [
            *(f"SHA-256 {digest}" for digest in _every(runs, "data_digest")),
            f"{len(runs.labels):,} held-out images",
        ],
        "Trained": [
            f"{min(one.started for one in runs):%Y-%m-%d %H:%M} to "
            f"{max(one.ended for one in runs):%Y-%m-%d %H:%M} UTC"
        ],
        "Versions": [
            *(f"{label} {number}" for label, tag in frameworks for number in _every(runs, tag)),
            *(f"{one} (report)" for one in evidence.versions),
        ],
        "Machine": [
            *(f"{each} (runs)" for each in machines),
            *([f"{evidence.machine} (report)"] if evidence.machine else []),
        ],
        "MLflow": [f"run {runs.parent_id} with {count(len(tags), 'run')} below it"],
    }


def _every(runs: RunSet, tag: str) -> list[str]:
    """Return the values of a tag that the runs have, each once."""
    return list(dict.fromkeys(one.tags[tag] for one in runs if tag in one.tags))


def machine(processor: str | None, cpus: int) -> str:
    """Return a machine in one line."""
    cores = count(cpus, "logical core")
    return f"{processor}, {cores}" if processor else cores
