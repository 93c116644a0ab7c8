"""Several studies on one page: a forest plot and a table, side by side, with nothing pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from src.analysis import findings
from src.analysis.findings import Findings, Pair
from src.analysis.run_set import RunSet
from src.analysis.verdicts import Verdict
from src.core import atomic_write, paths
from src.core.formatting import count, listed, points
from src.evaluation.style import legend, new_figure
from src.reporting import (
    captions,
    drawing,
    exhibits,
    export,
    markdown,
    page,
    remarks,
    tables,
    verdict_words,
)
from src.reporting.captions import Caption
from src.reporting.evidence import Evidence
from src.reporting.exhibits import Embedded, Exhibit

FOLDER = "joined"  # ends the folder's name
APART = 6  # studies whose differences spread so many times as wide get their own scales


@dataclass(frozen=True)
class StudyShown:
    """A study as the page has it."""

    evidence: Evidence
    found: Findings

    @property
    def runs(self) -> RunSet:
        """Its runs."""
        return self.evidence.runs

    @property
    def pairs(self) -> list[Pair]:
        """Its levels, each compared with its reference."""
        return captions.with_the_reference(self.found)


def shown(evidence: Evidence, reference: str) -> StudyShown:
    """Return a study with its findings, compared with a level."""
    return StudyShown(evidence, findings.compute(evidence.runs, reference))


def write(studies: Sequence[StudyShown]) -> Path:
    """Draw and write the page of several studies, in place of an earlier one; return its path."""
    target = paths.REPORTS / "-".join([*(one.runs.folder for one in studies), FOLDER])
    shown = Exhibit("forest", caption(studies), partial(forest, studies))
    with atomic_write.writing(target) as [folder]:
        (folder / "figures").mkdir(parents=True)
        drawn = exhibits.draw([shown], folder / "figures")
        title = f"{', '.join(one.runs.title for one in studies)}: {heading(studies)}"
        page.save(folder, text(studies, drawn), title, drawn, {})
        together = pd.concat(
            export.pairs_table(one.found).assign(study=one.runs.title, factor=one.found.factor.key)
            for one in studies
        )
        first = ["study", "factor"]
        together[[*first, *together.columns.drop(first)]].to_csv(folder / "pairs.csv", index=False)
    return target / page.PAGE


def text(studies: Sequence[StudyShown], drawn: Mapping[str, Embedded]) -> str:
    """Return the page of several studies as Markdown."""
    titles = ", ".join(one.runs.title for one in studies)
    provenance, abouts, notes, verdicts = {}, [], [], []
    for one in studies:
        runs, found, plural = one.runs, one.found, one.found.factor.plural
        where = f" of {runs.dataset}" if runs.dataset else ""
        about = (
            f"{len(found.levels)} {plural}, compared with "
            f"{captions.named(found.factor, found.reference)}, {count(len(found.seeds), 'seed')} "
            f"each, on {found.images:,} held-out images{where}. {verdict_words.headline(found)}"
        )
        abouts.append(f"{markdown.strong(runs.title)}: {markdown.plain(about)}")
        notes += [markdown.note(each, runs.title) for each in remarks.of(runs, found)]
        effect = points(found.smallest_effect, None)
        title = f"{runs.title}: {plural}, where under {effect} does not matter"
        verdicts += [f"### {markdown.plain(title)}", tables.verdicts(one.pairs)]
        facts = page.provenance(one.evidence)
        provenance[runs.title] = [*facts["Commit"], *facts["Trained"], *facts["MLflow"]]
    words = " ".join(page.name(one.runs) for one in studies)
    return markdown.document(
        f"# {markdown.plain(heading(studies))}",
        f"{len(studies)} studies side by side: {markdown.plain(titles)}. All numbers are in "
        "[pairs.csv](pairs.csv).",
        markdown.section(
            "Verdict",
            *map(markdown.strong, answers(studies)),
            markdown.bullets(abouts),
            markdown.note(
                "Nothing is pooled: each study has its own data, recipe and seeds. The p values "
                "and intervals are adjusted within each study, not across them: of many studies "
                "without a difference, one in twenty shows one."
            ),
            *notes,
        ),
        markdown.section(
            "Differences from each study's reference",
            markdown.figure("forest", drawn["forest"].caption),
            *verdicts,
        ),
        markdown.section(
            "Provenance",
            markdown.facts(provenance),
            markdown.commands(f"python -m src.report {words}"),
        ),
    )


def heading(studies: Sequence[StudyShown]) -> str:
    """Return the page's title."""
    nouns = list(dict.fromkeys(one.found.factor.noun for one in studies))
    return f"Where the {listed(nouns)} matter{'s' * (len(nouns) == 1)}"


def answers(studies: Sequence[StudyShown]) -> list[str]:
    """Say of each pair that several studies compare in how many which verdict was reached."""
    found: dict[tuple[str, str, str], dict[Verdict, list[str]]] = {}
    for one in studies:
        for pair in one.pairs:
            names = pair.comparison.first, pair.comparison.second
            held = found.setdefault((one.found.factor.key, *names), {})
            held.setdefault(pair.verdict, []).append(one.runs.title)
    return [
        verdict_words.across(first, second, held)
        for (_, first, second), held in found.items()
        if sum(map(len, held.values())) > 1
    ]


def forest(studies: Sequence[StudyShown]) -> Figure:
    """Draw the pairs of each study with its reference, one block per study."""
    rows = [len(one.pairs) for one in studies]
    height = 1.5 + sum(0.95 + 0.36 * number for number in rows)
    figure = new_figure(height, "Differences in accuracy")
    ratios = [number + 0.6 for number in rows]
    blocks = figure.subplots(len(studies), 1, height_ratios=ratios, squeeze=False)[:, 0]
    for axes, one in zip(blocks, studies, strict=True):
        drawing.mark_smallest_effect(axes, one.found.smallest_effect, labeled=False)
        for row, pair in enumerate(one.pairs):
            look = drawing.verdict_look(pair.verdict)
            drawing.interval(axes, row, pair.comparison.difference, look)
        drawing.label_rows(axes, [pair.name for pair in one.pairs])
        drawing.label_points(axes)
        if axes is not blocks[-1]:
            axes.set_xlabel("")
        size = f"{count(len(one.found.seeds), 'seed')}, {one.found.images:,} images"
        axes.set_title(f"{one.runs.title}: {one.found.factor.plural}, {size}", fontsize=10.5)
    if not own_scales(studies):
        limits = [bound for axes in blocks for bound in axes.get_xlim()]
        for axes in blocks:
            axes.set_xlim(min(limits), max(limits))
    drawing.verdict_legend(blocks[0])
    legend(blocks[0], 4)
    return figure


def own_scales(studies: Sequence[StudyShown]) -> bool:
    """Return whether the studies' differences are too unlike in size for one scale."""
    spreads = []
    for one in studies:
        intervals = [pair.comparison.difference for pair in one.pairs]
        widest = max(max(-each.low, each.high) for each in intervals)
        spreads.append(max(one.found.smallest_effect, widest))
    return max(spreads) > APART * min(spreads)


def caption(studies: Sequence[StudyShown]) -> Caption:
    """Say which studies decide something, and how to read the plot."""
    parts = []
    for one in studies:
        different = sum(pair.verdict.different for pair in one.pairs)
        parts.append(f"{different} of {len(one.pairs)} in {one.runs.title}")
    scales = " Each study has its own scale." if own_scales(studies) else ""
    return Caption(
        f"Significant differences from the reference: {listed(parts)}.",
        "Diamonds are mean differences, bars their 95% CIs for new seeds and new images, "
        "simultaneous within the study; the color is the verdict. The shaded band is what does not "
        f"matter in that study.{scales}",
    )
