"""How often two copies of one level differ when each has been tuned.

python -m benchmarks.tuned_luck

Both levels of a simulated study are the same, so a difference that it finds is a false alarm. Each
level is tuned: the true accuracies of a search's trials have some standard deviation (SD), and the
best by 4,200 validation images wins. With one search per level, its winner is trained with all ten
seeds; with one per seed (`vary: [seed, search]`), each seed has its own winner. An image has the
same error probability in all runs of the same true accuracy; mean and SD over seeds are about those
of reports/default. The test is that of `statistics.crossed_effects_mean`.
"""

from functools import cache

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import special, stats

from benchmarks import harness
from src.analysis import statistics
from src.analysis.statistics import ALPHA
from src.core import errors

IMAGES, VALIDATION_IMAGES = 28_000, 4_200
TRIALS, SEEDS = 12, 10
ACCURACY = 0.996  # of a run of the recipe, on average
DIFFICULTY_SD = 10.0  # of the logits, so that the accuracies of seeds have an SD of 0.02 pp
SPREADS = (0.0, 0.0001, 0.0003)  # standard deviation of the trials' true accuracies
MODES = {"one search per level": False, "one search per seed": True}


@cache
def difficulties() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the logits of the error probability of all images that a run may misclassify, float
    (n,), and shifts of these, ascending, with the errors per image that each gives, float (m,).
    """
    spread = DIFFICULTY_SD * stats.norm.ppf((np.arange(IMAGES) + 0.5) / IMAGES)
    grid = np.linspace(-30, 0, 1201)
    means = [special.expit(spread + shift).mean() for shift in grid]
    logits = spread + np.interp(1 - ACCURACY, means, grid)
    logits = logits[special.expit(logits) > 1e-5]
    shifts = np.linspace(-3, 3, 601)
    rates = special.expit(logits + shifts[:, None]).sum(axis=1) / IMAGES
    return logits, shifts, rates


def winners(random: np.random.Generator, searches: int, spread: float) -> np.ndarray:
    """Return the true accuracy of each search's best trial by validation, float (searches,)."""
    true = random.normal(ACCURACY, spread, (searches, TRIALS))
    found = random.binomial(VALIDATION_IMAGES, true)
    return true[np.arange(searches), found.argmax(axis=1)]


def errors_of(random: np.random.Generator, accuracies: np.ndarray) -> np.ndarray:
    """Return which images runs with these true accuracies misclassify, bool (runs, images)."""
    logits, shifts, rates = difficulties()
    own = np.interp(1 - accuracies, rates, shifts)
    wrong = np.zeros((len(accuracies), IMAGES), bool)
    drawn = random.random((len(accuracies), len(logits)))
    wrong[:, : len(logits)] = drawn < special.expit(logits + own[:, None])
    return wrong


def differs(random: np.random.Generator, spread: float, *, by_seed: bool) -> bool:
    """Return whether a study finds a difference between two copies of one level."""
    wrong = [
        errors_of(random, np.resize(winners(random, SEEDS if by_seed else 1, spread), SEEDS))
        for _ in range(2)
    ]
    difference = wrong[1].astype(np.int8) - wrong[0].astype(np.int8)
    return statistics.crossed_effects_mean(difference).p_value < ALPHA


def false_alarms(studies: int, spread: float, *, by_seed: bool) -> float:
    """Return the share of studies that find a difference."""
    random = np.random.default_rng(2026)
    return float(np.mean([differs(random, spread, by_seed=by_seed) for _ in range(studies)]))


def main() -> None:
    """Simulate, and print the table."""
    parser = harness.parser("tuned_luck", __doc__)
    parser.add_argument("--studies", type=int, default=2000, help="of each kind")
    studies = parser.parse_args().studies
    result = Table(box=box.HORIZONTALS, pad_edge=False)
    result.add_column("true SD of the trials")
    for mode in MODES:
        result.add_column(f"differ, {mode}", justify="right")
    for spread in SPREADS:
        shares = [false_alarms(studies, spread, by_seed=by_seed) for by_seed in MODES.values()]
        halves = [1.96 * np.sqrt(share * (1 - share) / studies) for share in shares]
        cells = [f"{100 * p:.1f}% ± {100 * h:.1f}" for p, h in zip(shares, halves, strict=True)]
        result.add_row(f"{100 * spread:.2f} pp", *cells)
    console = Console(highlight=False, width=harness.WIDTH)
    console.print(
        f"Two copies of one level: {TRIALS} trials per search, {SEEDS} seeds, {studies:,} studies "
        "of each kind; ± is 95% of the simulation"
    )
    console.print(result)


if __name__ == "__main__":
    errors.run(main)
