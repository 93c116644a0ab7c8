"""How often a study's plans come true: its power, and the number of more seeds it asks for.

python -m benchmarks.planning

Simulated studies of a few levels with a reference, in smallest effects. Power: the share of studies
in which the interval of a true difference excludes 0, with the number of seeds that
`planning.seeds_needed` asks for at the true variances; it should be 80%. More seeds: of the
undecided pairs to which a report gives a range, the share whose interval lies inside ± the smallest
effect or beyond it after as many more seeds as the upper end. The true differences are drawn anew
for each study, evenly from −3 to 3 smallest effects, since a range is right on average over what it
does not know.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import harness
from src.analysis import intervals, planning, statistics
from src.analysis.planning import Spread
from src.core import errors

SPREADS = {"seeds": (1.5, 0.0), "seeds and images": (1.5, 0.15)}  # SD of a run, error by images
FIRST = (3, 5, 10)  # seeds of a study so far
LEVELS = (2, 6)
LARGEST = 1000  # more seeds; a range that ends above is counted but not followed up


def differences(
    runs: np.ndarray, image_variance: float, of_images: np.ndarray
) -> intervals.Differences:
    """Return the differences of simulated runs, float (levels, seeds), on images whose effects on
    each level are `of_images`, float (levels,).
    """
    found = intervals.from_runs(runs + of_images[:, None])
    return replace(found, image_variance=np.full(len(found.mean), 2 * image_variance))


def judged(every: intervals.Differences) -> statistics.Judged:
    """Return the pairs of each level with the first."""
    family = intervals.family(every, 0)
    names = tuple((str(place), "0") for place in range(1, every.levels))
    return statistics.Judged(family, names, ())


def follow_up(
    random: np.random.Generator, levels: int, seeds: int, spread: Sequence[float], studies: int
) -> dict[str, list[bool]]:
    """Return, by the size of the upper end, whether it decided each pair that asked for it."""
    sd, image_se = spread
    outcomes: dict[str, list[bool]] = {"up to 10": [], "11 to 100": [], "more": []}
    for _ in range(studies):
        true = np.append(0.0, random.uniform(-3, 3, levels - 1))
        of_images = random.normal(0, image_se, levels)
        runs = true[:, None] + random.normal(0, sd, (levels, seeds + LARGEST))
        now = judged(differences(runs[:, :seeds], image_se**2, of_images))
        half = now.family.half_widths(now.level())
        for place, mean in enumerate(-now.family.mean):
            if abs(mean) > half[place] or abs(mean) + half[place] < 1:
                continue
            asked = planning.more_seeds(now.spread(place), mean, seeds, 1.0)
            if asked is None or asked[1] > LARGEST:
                continue
            then = judged(differences(runs[:, : seeds + asked[1]], image_se**2, of_images))
            end, wide = abs(then.family.mean[place]), then.family.half_widths(then.level())[place]
            size = "up to 10" if asked[1] <= 10 else "11 to 100" if asked[1] <= 100 else "more"
            outcomes[size].append(bool(end + wide < 1 or end - wide > 1))
    return outcomes


def detected(
    random: np.random.Generator,
    levels: int,
    spread: Sequence[float],
    difference: float,
    studies: int,
) -> tuple[int, float]:
    """Return how many seeds a power of 80% takes, and the share of studies that detect with these
    that the second level differs by so much from the first.
    """
    sd, image_se = spread
    pattern = random.normal(0, sd, (levels, 50))
    shape = judged(differences(pattern, image_se**2, np.zeros(levels)))
    exact = Spread(shape.family, shape.level(), 2 * sd**2, 2 * image_se**2, np.inf)
    seeds = exact.seeds_needed(difference)
    assert seeds is not None
    hits = 0
    for _ in range(studies):
        runs = random.normal(0, sd, (levels, seeds))
        runs[1] += difference
        now = judged(differences(runs, image_se**2, random.normal(0, image_se, levels)))
        hits += abs(now.family.mean[0]) > now.family.half_widths(now.level())[0]
    return seeds, hits / studies


def main() -> None:
    """Simulate, and print two tables."""
    parser = harness.parser("planning", __doc__)
    parser.add_argument("--studies", type=int, default=2000, help="of each kind")
    given = parser.parse_args()
    console = Console(highlight=False, width=harness.WIDTH)
    random = np.random.default_rng(2026)

    power = Table(box=box.HORIZONTALS, pad_edge=False, title="Power at the seeds asked for")
    for heading in ("chance by", "levels", "difference", "seeds", "detected"):
        power.add_column(heading, justify="right" if heading != "chance by" else "left")
    for name, spread in SPREADS.items():
        for levels in LEVELS:
            for difference in (1.0, 2.0):
                seeds, share = detected(random, levels, spread, difference, given.studies)
                power.add_row(
                    name, str(levels), f"{difference:g}", str(seeds), f"{100 * share:.1f}%"
                )
    console.print(power)

    more = Table(box=box.HORIZONTALS, pad_edge=False, title="Decided at the upper end of the range")
    for heading in (
        "chance by",
        "levels",
        "seeds so far",
        "up to 10 more",
        "11 to 100",
        "more",
        "all",
    ):
        more.add_column(heading, justify="right" if heading != "chance by" else "left")
    for name, spread in SPREADS.items():
        for levels in LEVELS:
            for seeds in FIRST:
                found = follow_up(random, levels, seeds, spread, given.studies // 4)
                every = [one for some in found.values() for one in some]
                shares = [
                    f"{100 * np.mean(some):.0f}% of {len(some)}" if some else "–"
                    for some in (*found.values(), every)
                ]
                more.add_row(name, str(levels), str(seeds), *shares)
    console.print(more)


if __name__ == "__main__":
    errors.run(main)
