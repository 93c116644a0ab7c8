"""Several studies on one page: a forest plot and a table, side by side, with nothing pooled."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from src.analysis.findings import Findings, Pair
from src.analysis.run_set import RunSet
from src.analysis.verdicts import Verdict
from src.evaluation.style import legend, new_figure
from src.reporting import captions, exhibits, export, page
from src.reporting.captions import Caption
from src.reporting.drawing import (
    interval,
    label_points,
    label_rows,
    mark_smallest_effect,
    verdict_legend,
    verdict_look,
)
from src.reporting.exhibits import Exhibit
from src.runtime import atomic_write, paths
from src.runtime.formatting import count, listed

FOLDER = "joined"  # ends the folder's name
APART = 6  # studies whose differences spread so many times as wide get a scale of their own
SAYS = {
    Verdict.BETTER: "beats",
    Verdict.WORSE: "loses to",
    Verdict.EQUIVALENT: "is equivalent to",
    Verdict.UNDECIDED: "is undecided against",
}


@dataclass(frozen=True)
class StudyShown:
    """A study as the page has it."""

    runs: RunSet
    found: Findings

    @property
    def pairs(self) -> list[Pair]:
        """Its levels, each compared with its reference."""
        return captions.with_the_reference(self.found)

    @property
    def about(self) -> str:
        """What it compares, with what, on which data."""
        where = f" of {self.runs.dataset}" if self.runs.dataset else ""
        return (
            f"{len(self.found.levels)} {self.found.factor.plural}, compared with "
            f"{captions.named(self.found.factor, self.found.reference)}, "
            f"{count(len(self.found.seeds), 'seed')} each, on {self.found.images:,} held-out "
            f"images{where}."
        )

    @property
    def headline(self) -> str:
        """What it comes to."""
        return captions.headline(self.found)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may be wrong with it."""
        return (*self.runs.remarks, *self.found.remarks)

    @property
    def lines(self) -> list[str]:
        """How it was made."""
        told = page.provenance(self.runs)
        return [line for topic in ("Commit", "Trained", "MLflow") for line in told[topic]]


def write(sets: Sequence[tuple[RunSet, Findings]]) -> Path:
    """Draw and write the page of several studies.

    Args:
        sets: the runs of each study, and the findings on them.

    Returns:
        The path of the page. A page that was there before is replaced as a whole.
    """
    studies = [StudyShown(*one) for one in sets]
    target = paths.REPORTS / "-".join([*(one.runs.folder for one in studies), FOLDER])
    shown = Exhibit("forest", caption(studies), partial(forest, studies))
    with atomic_write.writing(target) as [folder]:
        (folder / "figures").mkdir(parents=True)
        drawn = exhibits.draw([shown], folder / "figures")
        names = [one.runs.title for one in studies]
        pages = page.in_both(
            "joined",
            studies=studies,
            names=names,
            about=f"{len(names)} studies side by side: {', '.join(names)}.",
            heading=heading(studies),
            answers=answers(studies),
            exhibits=drawn,
            provenance={one.runs.title: one.lines for one in studies},
            command=f"python -m src.report {' '.join(map(_word, studies))}",
        )
        for name, text in pages.items():
            (folder / name).write_text(text)
        tables = [
            export.pairs_table(one.found).assign(study=one.runs.title, factor=one.found.factor.key)
            for one in studies
        ]
        together = pd.concat(tables)
        first = ["study", "factor"]
        together[[*first, *together.columns.drop(first)]].to_csv(folder / "pairs.csv", index=False)
    return target / page.PAGE


def _word(one: StudyShown) -> str:
    return one.runs.title if "study" in one.runs.tags else one.runs.parent_id


def heading(studies: Sequence[StudyShown]) -> str:
    """Return the page's title."""
    nouns = list(dict.fromkeys(one.found.factor.noun for one in studies))
    matters = "matters" if len(nouns) == 1 else "matter"
    return f"Where the {listed(nouns)} {matters}"


def answers(studies: Sequence[StudyShown]) -> list[str]:
    """Say of each pair that several studies compare in how many which verdict was reached."""
    found: dict[tuple[str, str, str], dict[Verdict, list[str]]] = {}
    for one in studies:
        for pair in one.pairs:
            names = pair.comparison.first, pair.comparison.second
            held = found.setdefault((one.found.factor.key, *names), {})
            held.setdefault(pair.verdict, []).append(one.runs.title)
    return [
        _answer(first, second, held)
        for (_, first, second), held in found.items()
        if sum(map(len, held.values())) > 1
    ]


def _answer(first: str, second: str, held: dict[Verdict, list[str]]) -> str:
    total = sum(map(len, held.values()))
    parts = [
        f"{SAYS[verdict]} {second} in {len(held[verdict])} of {total} ({', '.join(held[verdict])})"
        for verdict in Verdict
        if verdict in held
    ]
    return f"{first} {listed(parts)}."


def forest(studies: Sequence[StudyShown]) -> Figure:
    """Draw the pairs of each study with its reference, one block per study."""
    rows = [len(one.pairs) for one in studies]
    figure = new_figure(
        1.5 + sum(0.95 + 0.36 * number for number in rows), "Differences in accuracy"
    )
    blocks = figure.subplots(
        len(studies), 1, height_ratios=[number + 0.6 for number in rows], squeeze=False
    )[:, 0]
    for axes, one in zip(blocks, studies, strict=True):
        mark_smallest_effect(axes, one.found.smallest_effect, labeled=False)
        for row, pair in enumerate(one.pairs):
            interval(axes, row, pair.comparison.difference, verdict_look(pair.verdict))
        label_rows(axes, [pair.name for pair in one.pairs])
        label_points(axes)
        if axes is not blocks[-1]:
            axes.set_xlabel("")
        size = f"{count(len(one.found.seeds), 'seed')}, {one.found.images:,} images"
        axes.set_title(f"{one.runs.title}: {one.found.factor.plural}, {size}", fontsize=10.5)
    if not own_scales(studies):
        low = min(axes.get_xlim()[0] for axes in blocks)
        high = max(axes.get_xlim()[1] for axes in blocks)
        for axes in blocks:
            axes.set_xlim(low, high)
    verdict_legend(blocks[0])
    legend(blocks[0], 4)
    return figure


def own_scales(studies: Sequence[StudyShown]) -> bool:
    """Return whether the studies' differences are too unlike in size for one scale."""
    spreads = [
        max(
            one.found.smallest_effect,
            *(
                max(abs(pair.comparison.difference.low), abs(pair.comparison.difference.high))
                for pair in one.pairs
            ),
        )
        for one in studies
    ]
    return max(spreads) > APART * min(spreads)


def caption(studies: Sequence[StudyShown]) -> Caption:
    """Say which studies decide something, and how to read the plot."""
    decided = {one.runs.title: 0 for one in studies}
    for one in studies:
        decided[one.runs.title] = sum(
            pair.verdict in (Verdict.BETTER, Verdict.WORSE) for pair in one.pairs
        )
    parts = [
        f"{number} of {len(one.pairs)} in {title}"
        for one, (title, number) in zip(studies, decided.items(), strict=True)
    ]
    scales = " Each study has a scale of its own." if own_scales(studies) else ""
    return Caption(
        f"Significant differences from the reference: {listed(parts)}.",
        "Diamonds are mean differences, bars their 95% CIs for new seeds and new images, "
        "simultaneous within the study; the color is the verdict. The shaded band is what does not "
        f"matter in that study.{scales}",
    )
