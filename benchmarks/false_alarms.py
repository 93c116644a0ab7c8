"""How often intervals miss the truth: in simulated studies whose levels are all equally accurate.

python -m benchmarks.false_alarms

Each cell is a kind of study. Its columns are the share of studies with a false alarm, an interval
that excludes 0, among the pairs with a reference and among all pairs, which is at most 5% if the
intervals keep their promise; and the coverage of a single 95% interval, that of the first pair by
itself. Data are (images at accuracy): MNIST's, Fashion-MNIST's, and a hard problem with few images.

An image has a probability of being misclassified, from a logit-normal distribution. With another
level a share of the images has another probability from the same distribution (an effect of level ×
image), and each run moves all of its logits up or down (an effect of the seed), around a middle
that leaves the mean accuracy of every level the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import joblib
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import optimize, special, stats

from benchmarks import harness
from src.analysis import intervals
from src.analysis.statistics import ALPHA
from src.core import errors

LEVELS, SEEDS = (2, 3, 6, 12), (2, 3, 5, 10, 30)
WIDTH = 120  # columns of the tables
SPREAD = 3.0  # standard deviation of the logits: two runs then share about half of their errors


@dataclass(frozen=True)
class Data:
    """Images, the accuracy of every level, and how many of the images are ever misclassified."""

    images: int
    accuracy: float
    contested: int

    @property
    def name(self) -> str:
        """Its name in the table."""
        return f"{self.images:,} at {self.accuracy}"

    def logits(self, random: np.random.Generator, levels: int) -> np.ndarray:
        """Return logits of the contested images around 0, float32 (levels, contested)."""
        return np.float32(SPREAD) * random.standard_normal((levels, self.contested), np.float32)


@lru_cache
def middle(data: Data, seed_sd: float, heavy: bool) -> float:
    """Return the mean of the logits with which the accuracy is that of the data, if each run adds
    an effect with this standard deviation (or scale, of the t distribution) to all of them.
    """
    image, weight = special.roots_hermitenorm(60)
    shares = (np.arange(400) + 0.5) / 400
    seed = seed_sd * (stats.t(2) if heavy else stats.norm).ppf(shares)
    rate = (1 - data.accuracy) * data.images / data.contested

    def excess(mean: float) -> float:
        wrong = special.expit(mean + SPREAD * image[:, None] + seed).mean(axis=1)
        return float(wrong @ weight / weight.sum()) - rate

    return optimize.brentq(excess, -30, 30)


DATA = (Data(28_000, 0.996, 300), Data(10_000, 0.91, 1800), Data(2_000, 0.5, 1500))


@dataclass(frozen=True)
class Kind:
    """Where chance comes from."""

    name: str
    seed: float  # standard deviation of a run's effect, on the logit
    image: float  # share of the images that a level changes
    odd: float = 1.0  # factor of the first level's standard deviation
    last_odd: bool = False  # the last level's instead
    heavy: bool = False  # t with two degrees of freedom instead of normal
    shared: bool = False  # half of a run's variance is that of its seed in all levels


KINDS = (
    Kind("seeds", 0.25, 0.02),
    Kind("images", 0.02, 0.6),
    Kind("both, as in default", 0.02, 0.02),
)
VARIANTS = (
    Kind("reference with 5 × SD", 0.14, 0.02, odd=5),
    Kind("one level with 5 × SD", 0.14, 0.02, odd=5, last_odd=True),
    Kind("heavy tails (t₂)", 0.2, 0.02, heavy=True),
    Kind("seeds shared by levels", 0.25, 0.02, shared=True),
)


def study(
    random: np.random.Generator, data: Data, kind: Kind, levels: int, seeds: int
) -> np.ndarray:
    """Return which contested images are right, bool (levels, seeds, contested)."""
    common, own = data.logits(random, 1), data.logits(random, levels)
    is_own = random.random((levels, data.contested), np.float32) < kind.image
    logits = np.where(is_own, own, common)[:, None]
    shape = levels, seeds
    draw = random.standard_t(2, shape) if kind.heavy else random.normal(size=shape)
    if kind.shared:
        draw = (draw + random.normal(size=seeds)) / np.sqrt(2)
    scales = np.full(levels, kind.seed)
    scales[-1 if kind.last_odd else 0] *= kind.odd
    middles = np.array([middle(data, float(scale), kind.heavy) for scale in scales])
    effects = (middles[:, None] + scales[:, None] * draw).astype(np.float32)[:, :, None]
    return random.random((*shape, data.contested), np.float32) >= special.expit(logits + effects)


def missed(
    data: Data, kind: Kind, levels: int, seeds: int, studies: int
) -> tuple[float, float, float]:
    """Return the shares of studies with a false alarm among the pairs with a reference and among
    all, and the share in which the single interval of the first pair covers 0.
    """
    random = np.random.default_rng(2026)
    found = np.zeros(3)
    for _ in range(studies):
        correct = study(random, data, kind, levels, seeds)
        every = intervals.from_correct(correct, data.images)
        for place, reference in enumerate((0, None)):
            family = intervals.family(every, reference)
            found[place] += (np.abs(family.mean) > family.half_widths(ALPHA)).any()
        alone = intervals.family(intervals.from_correct(correct[[0, -1]], data.images))
        found[2] += abs(alone.mean[0]) <= alone.half_widths(ALPHA)[0]
    return tuple((found / studies).tolist())


def cells() -> Iterator[tuple[Data, Kind, int, int]]:
    """Yield what is simulated: all data with the main kinds, the variants with MNIST's."""
    yield from product(DATA, KINDS, LEVELS, SEEDS)
    yield from product(DATA[:1], VARIANTS, [levels for levels in LEVELS if levels > 2], SEEDS)


def table(results: Iterable[tuple[tuple[Data, Kind, int, int], tuple[float, ...]]]) -> Table:
    """Return a row for each kind of data, chance and number of levels, a column for each number of
    seeds: false alarms with a reference / of all pairs (coverage of one interval), in percent.
    """
    rows: dict[tuple, dict[int, str]] = {}
    for (data, kind, levels, seeds), (reference, every, covered) in results:
        text = f"{100 * reference:.1f}/{100 * every:.1f} ({100 * covered:.1f})"
        rows.setdefault((data.name, kind.name, str(levels)), {})[seeds] = text
    shown = Table(box=box.HORIZONTALS, pad_edge=False)
    for heading in ("data", "chance by", "levels"):
        shown.add_column(heading)
    for seeds in SEEDS:
        shown.add_column(f"{seeds} seeds", justify="right")
    for key, by_seeds in rows.items():
        shown.add_row(*key, *(by_seeds.get(seeds, "") for seeds in SEEDS))
    return shown


def summary(
    every: Sequence[tuple[Data, Kind, int, int]],
    found: Sequence[tuple[float, ...]],
    kinds: Sequence[Kind],
) -> Table:
    """Return the largest share of false alarms of some kinds by the numbers of levels and seeds."""
    worst: dict[tuple[int, int], np.ndarray] = {}
    for (_, kind, levels, seeds), shares in zip(every, found, strict=True):
        if kind.name in [one.name for one in kinds]:
            both = 100 * np.array(shares[:2])
            worst[levels, seeds] = np.maximum(worst.get((levels, seeds), 0.0), both)
    shown = Table(box=box.HORIZONTALS, pad_edge=False)
    shown.add_column("levels")
    for seeds in SEEDS:
        shown.add_column(f"{seeds} seeds", justify="right")
    for levels in LEVELS:
        cells = [worst.get((levels, seeds)) for seeds in SEEDS]
        shown.add_row(
            str(levels), *("" if one is None else f"{one[0]:.1f} / {one[1]:.1f}" for one in cells)
        )
    return shown


def main() -> None:
    """Simulate, and print the table."""
    parser = harness.parser("false_alarms", __doc__)
    parser.add_argument("--studies", type=int, default=4000, help="of each cell")
    given = parser.parse_args()
    from benchmarks import false_alarms as this  # as worker processes know it, not __main__

    every = list(this.cells())
    jobs = (joblib.delayed(this.missed)(*cell, given.studies) for cell in every)
    found = joblib.Parallel(n_jobs=-1, verbose=1)(jobs)
    print(
        f"False alarms with a reference / of all pairs (coverage of one interval), in percent; "
        f"{given.studies:,} studies of each kind"
    )
    Console(highlight=False, width=WIDTH).print(table(zip(every, found, strict=True)))
    for name, kinds in {"the main kinds": KINDS, "the variants": VARIANTS}.items():
        print(f"Most false alarms of {name}, with a reference / of all pairs, in percent")
        Console(highlight=False, width=WIDTH).print(summary(every, found, kinds))
    single = [one[2] for one in found]
    print(f"Coverage of one interval: {100 * min(single):.1f}% to {100 * max(single):.1f}%")


if __name__ == "__main__":
    errors.run(main)
