"""Verdicts on anybody's runs, from a table of their accuracies or of their correct predictions.

A file is one of

- a CSV with a row per run: a level, an accuracy (a fraction or percent), and if known the seed and
  the number of images, `n`;
- a CSV with a row per prediction: a level, `seed`, `image`, and whether it is `correct`, 0 or 1;
- an .npz with an array per level, 0 or 1, (runs, images); row i of each has one seed.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from src.analysis import findings, statistics
from src.analysis.findings import Pair
from src.config import factor
from src.config.factor import Factor
from src.core.errors import InputError, did_you_mean, parsing
from src.core.formatting import count, listed, percent, points
from src.reporting import verdict_words

SEED, IMAGE, CORRECT, COUNT = "seed", "image", "correct", "n"
ACCURACIES = ("accuracy", "test_accuracy")
FORMS = (
    "a CSV with the columns level, accuracy and if known seed and n; a CSV with level, seed, image "
    "and correct; or an .npz with an array (runs, images) per level"
)


@dataclass(frozen=True)
class GivenRuns:
    """Runs by level: `correct`, bool (seeds, images), or accuracies, float (runs,)."""

    values: Mapping[str, np.ndarray]
    factor: Factor
    is_paired: bool  # runs at one place have one seed
    images: int | None  # None if unknown
    reading: str  # how the file was read, a sentence

    @property
    def by_image(self) -> bool:
        """Whether the predictions of single images are known."""
        return next(iter(self.values.values())).ndim > 1

    @property
    def accuracy(self) -> dict[str, np.ndarray]:
        """The accuracies of each level's runs, float (runs,)."""
        return {
            name: rows.mean(axis=1) if self.by_image else rows for name, rows in self.values.items()
        }


def read(path: Path) -> GivenRuns:
    """Return the runs of a file; raise InputError if it has none of the forms."""
    with parsing(path, f"write {FORMS}."):
        runs = _from_arrays(path) if path.suffix == ".npz" else _from_table(path)
    if len(runs.values) < 2:
        raise InputError(f"{path} has runs of {listed(list(runs.values))} alone: give two levels.")
    for name, rows in runs.values.items():
        if len(rows) < 2:
            raise InputError(
                f"{path} has {count(len(rows), 'run')} of {name}, at least 2 expected: how much "
                "runs of one level differ is what a verdict rests on."
            )
    return runs


def _from_arrays(path: Path) -> GivenRuns:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except zipfile.BadZipFile as error:
        raise ValueError("it is not an .npz archive") from error
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 2 for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"it has {found or 'nothing'}, not arrays of one shape (runs, images)")
    for name, array in arrays.items():
        if not np.isin(array, (0, 1)).all():
            raise ValueError(f"{name} has other values than 0 and 1")
    [(runs, images)] = set(shapes.values())
    reading = (
        f"{path}: {count(runs, 'run')} on {images:,} images of each of {listed(list(arrays))}; row "
        "i of each level counts as one seed."
    )
    values = {name: array.astype(bool) for name, array in arrays.items()}
    return GivenRuns(values, factor.of("level", list(arrays)), True, images, reading)


def _from_table(path: Path) -> GivenRuns:
    table = pd.read_csv(path)
    table.columns = [str(one).strip() for one in table.columns]
    key = "level" if "level" in table else str(table.columns[0])
    accuracy = next((name for name in ACCURACIES if name in table), None)
    if accuracy is None and not {SEED, IMAGE, CORRECT} <= set(table.columns):
        near = "".join(did_you_mean(name, list(ACCURACIES)) for name in table.columns)
        raise ValueError(f"it has the columns {listed(list(table.columns))}. {near}".rstrip())
    if key in (accuracy, SEED, IMAGE, CORRECT, COUNT):
        raise ValueError(f"its first column is {key}, and none is named level")
    needed = [key, accuracy] if accuracy else [key, SEED, IMAGE, CORRECT]
    if table.empty or table[needed].isna().any(axis=None):
        raise ValueError("it has no rows" if table.empty else "some cells are empty")
    table[key] = table[key].astype(str)
    how = _predictions(table, key) if accuracy is None else _accuracies(table, key, accuracy)
    values, is_paired, images, reading = how
    return GivenRuns(values, factor.of(key, list(values)), is_paired, images, f"{path}: {reading}")


def _predictions(table: pd.DataFrame, key: str) -> tuple[dict[str, np.ndarray], bool, int, str]:
    if not table[CORRECT].isin([0, 1]).all():
        raise ValueError("the column correct has other values than 0 and 1")
    if table.duplicated([key, SEED, IMAGE]).any():
        raise ValueError(f"some rows have the same {key}, seed and image")
    values, shape = {}, None
    for name, part in table.groupby(key, sort=False):
        wide = part.pivot(index=SEED, columns=IMAGE, values=CORRECT)
        if wide.isna().any(axis=None) or (
            shape and (list(wide.index), list(wide.columns)) != shape
        ):
            raise ValueError("not every level has the same seeds, each with the same images")
        shape = list(wide.index), list(wide.columns)
        values[str(name)] = wide.to_numpy(bool)
    assert shape is not None
    seeds, images = len(shape[0]), len(shape[1])
    reading = f"{count(seeds, 'seed')} and {images:,} images of each {key}, {listed(list(values))}."
    return values, True, images, reading


def _accuracies(
    table: pd.DataFrame, key: str, accuracy: str
) -> tuple[dict[str, np.ndarray], bool, int | None, str]:
    numbers = table[accuracy].astype(float)
    if not ((numbers > 0) & (numbers <= 100)).all():
        raise ValueError(f"the column {accuracy} has numbers outside 0 to 1, or 0 to 100 percent")
    is_percent = bool((numbers > 1).all())
    if not is_percent and (numbers > 1).any():
        raise ValueError(f"the column {accuracy} has both fractions and percentages")
    table = table.assign(**{accuracy: numbers / (100 if is_percent else 1)})
    images = None
    if COUNT in table:
        if table[COUNT].nunique() != 1:
            raise ValueError("the column n differs between rows, but all runs need the same images")
        images = int(table[COUNT].iloc[0])
    is_paired, how = False, "all runs independent, as no seed is given"
    if SEED in table:
        if table.duplicated([key, SEED]).any():
            raise ValueError(f"some rows have the same {key} and seed")
        seeds = table.groupby(key)[SEED].agg(lambda column: repr(sorted(column)))
        if seeds.nunique() > 1:
            raise ValueError(
                "its levels have different seeds: give each the same seeds, which are then "
                "compared, or leave out the column seed if all runs are independent"
            )
        table, is_paired, how = table.sort_values(SEED), True, "runs with the same seed compared"
    values = {
        name: table.loc[table[key] == name, accuracy].to_numpy() for name in table[key].unique()
    }
    sizes = ", ".join(f"{name} {len(rows)}" for name, rows in values.items())
    unit = " in percent" if is_percent else ""
    return values, is_paired, images, f"runs by {key} ({sizes}), column {accuracy}{unit}; {how}."


def report(runs: GivenRuns, reference: str | None, smallest_effect: float | None) -> list[str]:
    """Return the lines of a report: each level's accuracy, each pair's verdict, and what these do
    not show.
    """
    if reference is not None and reference not in runs.values:
        raise InputError(
            f"--reference {reference}: there is no such {runs.factor.noun}. "
            f"{did_you_mean(reference, list(runs.values))}There are {listed(list(runs.values))}."
        )
    others = [name for name in runs.values if name != reference]
    order = [*others, reference] if reference else others
    comparisons = statistics.compare(
        {name: runs.values[name] for name in order},
        reference=reference,
        smallest_effect=smallest_effect or 0.0,
        is_paired=runs.is_paired,
        images=runs.images,
    )
    accuracy = runs.accuracy
    pairs = [findings.pair(one, accuracy) for one in comparisons]
    lines = [runs.reading]
    for name, values in accuracy.items():
        spread = points(float(np.std(values, ddof=1)))
        lines.append(f"{name}: mean {percent(float(values.mean()), 3)}, SD {spread}")
    lines += [verdict_words.sentence(pair, runs.factor) for pair in pairs]
    return [*lines, *_limits(runs, pairs, smallest_effect)]


def _limits(runs: GivenRuns, pairs: Sequence[Pair], smallest_effect: float | None) -> list[str]:
    lines = []
    if smallest_effect is None:
        lines.append(
            "Without --smallest-effect, the smallest difference that matters to you (0.001 is 0.1 "
            "pp), no pair can be equivalent, and how many more runs it takes is not known."
        )
    if runs.by_image:
        return lines
    lines.append(
        "Intervals are for new runs on the same images: accuracies alone do not show how much "
        "other images would change the differences."
    )
    if runs.images:
        rates = [1 - values.mean() for values in runs.accuracy.values()]
        most = float(np.sqrt(2 * max(rate * (1 - rate) for rate in rates) / runs.images))
        lines[-1] += (
            f" With {runs.images:,} images, that is an SD of {points(most)} if two runs "
            "misclassify different images, and less the more errors they share: give `correct` by "
            "image to include it."
        )
    return lines
