"""How often intervals miss the truth: in simulated studies whose levels are all equally accurate.

python -m benchmarks.false_alarms

Each cell is a kind of study. Its columns are the share of studies with a false alarm, an interval
that excludes 0, among the pairs with a reference and among all pairs, which is at most 5% if the
intervals keep their promise; and the coverage of a single 95% interval, that of the first pair by
itself. Data are (images at accuracy): MNIST's, Fashion-MNIST's, and a hard problem with few images.

An image has a probability of being misclassified, from a logit-normal distribution. With another
level a share of the images has another probability from the same distribution (an effect of level ×
image), and each run moves all of its probabilities up or down (an effect of the seed).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import joblib
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import optimize, special

from benchmarks import harness
from src.analysis import intervals
from src.analysis.statistics import ALPHA
from src.core import errors

LEVELS, SEEDS = (2, 3, 6, 12), (2, 3, 5, 10, 30)
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

    def probabilities(self, random: np.random.Generator, levels: int) -> np.ndarray:
        """Return probabilities of errors of the contested images, float32 (levels, contested)."""
        rate = (1 - self.accuracy) * self.images / self.contested
        normal = random.standard_normal((levels, self.contested), np.float32)
        return special.expit(np.float32(_middle(rate)) + np.float32(SPREAD) * normal)


@lru_cache
def _mean(middle: float) -> float:
    node, weight = special.roots_hermitenorm(80)
    return float(special.expit(middle + SPREAD * node) @ weight / weight.sum())


def _middle(rate: float) -> float:
    """Return the mean of the logits for a mean probability."""
    return optimize.brentq(lambda middle: _mean(middle) - rate, -20, 20)


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
    Kind("reference with 5 × SD", 0.2, 0.1, odd=5),
    Kind("one level with 5 × SD", 0.2, 0.1, odd=5, last_odd=True),
    Kind("heavy tails (t₂)", 0.15, 0.25, heavy=True),
    Kind("seeds shared by levels", 0.25, 0.25, shared=True),
)


def study(
    random: np.random.Generator, data: Data, kind: Kind, levels: int, seeds: int
) -> np.ndarray:
    """Return which contested images are right, bool (levels, seeds, contested)."""
    common, own = data.probabilities(random, 1), data.probabilities(random, levels)
    is_own = random.random((levels, data.contested), np.float32) < kind.image
    wrong = np.where(is_own, own, common)
    draw = (
        random.standard_t(2, (levels, seeds)) if kind.heavy else random.normal(size=(levels, seeds))
    )
    if kind.shared:
        draw = (draw + random.normal(size=seeds)) / np.sqrt(2)
    scale = np.full((levels, 1), kind.seed)
    scale[-1 if kind.last_odd else 0] *= kind.odd
    # Clipped on both sides, so that the mean stays 0 and the sum stays a probability.
    moved = np.clip(scale * draw, -1, 1).astype(np.float32)[:, :, None]
    wrong = wrong[:, None]
    return random.random((levels, seeds, data.contested), np.float32) >= wrong + moved * wrong * (
        1 - wrong
    )


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
    Console(highlight=False, width=120).print(table(zip(every, found, strict=True)))
    worst = max(max(one[:2]) for one in found)
    single = [one[2] for one in found]
    print(
        f"At most {100 * worst:.1f}% false alarms; coverage of one interval "
        f"{100 * min(single):.1f}% to {100 * max(single):.1f}%"
    )


if __name__ == "__main__":
    errors.run(main)
