"""How often a study that is looked at repeatedly is wrong, and how many seeds it saves.

python -m benchmarks.planned_looks

Simulated studies of two levels grow from look to look and stop as soon as the verdict is better,
worse or equivalent. Five rules say below which p value it is: 5% at every look, which is what
looking again and again without a plan comes to; alpha spending of the O'Brien–Fleming type, which
src/analysis/alpha_spending.py uses; alpha spending of the Pocock type; an anytime-valid confidence
sequence; and a single look at the largest number of seeds. The estimate is that of the reports, by
crossed random effects, and all rules see the same studies.

A study that stops early with a difference tends to do so because it is overestimated: the last
columns have the mean estimate of the differences found, divided by the true difference.
"""

from collections.abc import Callable, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import optimize, stats

from benchmarks import harness
from src.analysis import alpha_spending, intervals
from src.analysis.planning import POWER
from src.analysis.statistics import ALPHA
from src.core import errors

IMAGES = 200  # enough for the estimate of their effect
EFFECTS = (0.0, 0.5, 1.0, 2.0)  # true differences, in smallest effects
KINDS = {"seeds": 0.0, "seeds and images": 0.15}  # standard error by images, in smallest effects
Rule = Callable[[Sequence[int]], list[float]]


def every_look(looks: Sequence[int]) -> list[float]:
    """Return 5% for each look."""
    return [ALPHA] * len(looks)


def single_look(looks: Sequence[int]) -> list[float]:
    """Return 5% for the last look, and nothing for the others."""
    return [0.0] * (len(looks) - 1) + [ALPHA]


def obrien_fleming(looks: Sequence[int]) -> list[float]:
    """Return the levels that the studies use."""
    return list(alpha_spending.levels(ALPHA, tuple(looks)))


def pocock(looks: Sequence[int]) -> list[float]:
    """Return the levels of Lan and DeMets's spending function of the Pocock type."""
    shares = np.array(looks) / looks[-1]
    return alpha_spending.levels_of(ALPHA * np.log(1 + (np.e - 1) * shares), shares)


def anytime_valid(looks: Sequence[int]) -> list[float]:
    """Return the levels of a confidence sequence with a normal mixture, tightest at half the seeds.

    Reference:
        Waudby-Smith and others, "Time-uniform central limit theory and asymptotic confidence
        sequences", Annals of Statistics 52 (2024), 2613–2640.
    """
    seeds = np.array(looks, np.float64)

    def threshold(precision: float, count: np.ndarray | float) -> np.ndarray:
        grown = count * precision + 1
        return np.sqrt(grown / (count * precision) * np.log(grown / ALPHA**2))

    middle = seeds[-1] / 2
    best = optimize.minimize_scalar(
        lambda log: float(threshold(np.exp(log), middle)), bounds=(-10, 5), method="bounded"
    )
    return [float(2 * stats.norm.sf(z)) for z in threshold(np.exp(best.x), seeds)]


RULES: dict[str, Rule] = {
    "5% at every look": every_look,
    "O'Brien–Fleming spending": obrien_fleming,
    "Pocock spending": pocock,
    "anytime-valid sequence": anytime_valid,
    "one look, at the last": single_look,
}


def spread_for(largest: int) -> float:
    """Return the seeds' standard deviation, in smallest effects, for which the largest number of
    seeds shows an equivalence with a power of 80%.
    """
    width = stats.norm.isf(ALPHA / 2) + stats.norm.isf((1 - POWER) / 2)
    return float(np.sqrt(largest) / width)


def study(random: np.random.Generator, largest: int, effect: float, image_se: float) -> np.ndarray:
    """Return one study's differences by seed and image, in smallest effects, (seeds, images).

    Half of the variance between the seeds' means is of the seeds, half of each run alone.
    """
    spread = spread_for(largest) / np.sqrt(2)
    of_seeds = random.normal(0, spread, (largest, 1))
    of_images = random.normal(0, image_se * np.sqrt(IMAGES), IMAGES)
    rest = random.normal(0, spread * np.sqrt(IMAGES), (largest, IMAGES))
    return effect + of_seeds + of_images + rest


def p_values(values: np.ndarray, looks: Sequence[int]) -> np.ndarray:
    """Return the p values of difference and equivalence at each look, and the estimate of the
    difference, float (looks, 3).
    """
    found = []
    for seeds in looks:
        pair = np.stack([values[:seeds], np.zeros_like(values[:seeds])])
        family = intervals.family(intervals.from_correct(pair))
        distance = np.abs(family.mean)
        numbers = family.p_values(distance), family.p_values(1 - distance), family.mean
        found.append([float(one[0]) for one in numbers])
    return np.array(found)


def outcome(found: np.ndarray, levels: Sequence[float], looks: Sequence[int]) -> np.ndarray:
    """Return how studies end: seeds, whether different, whether equivalent, and the estimate if
    different, else NaN; float (studies, 4).

    Args:
        found: p values and estimates, float (studies, looks, 3).
        levels: of each look.
        looks: numbers of seeds.
    """
    below = found[:, :, :2] < np.array(levels)[:, None]
    stops = below.any(axis=2)
    last = np.where(stops.any(axis=1), stops.argmax(axis=1), len(looks) - 1)
    studies = np.arange(len(found))
    at_stop = below[studies, last]
    estimates = np.where(at_stop[:, 0], found[studies, last, 2], np.nan)
    return np.column_stack([np.array(looks)[last], at_stop, estimates])


def main() -> None:
    """Simulate, and print a table for each kind of study."""
    parser = harness.parser("planned_looks", __doc__)
    parser.add_argument("--looks", type=int, nargs="+", default=[5, 10, 20, 30], help="seeds")
    parser.add_argument("--studies", type=int, default=4000, help="of each kind and difference")
    given = parser.parse_args()
    looks = sorted(given.looks)
    console = Console(highlight=False, width=harness.WIDTH)
    levels = {name: rule(looks) for name, rule in RULES.items()}
    for name, each in levels.items():
        console.print(f"{name}: p below " + ", ".join(f"{level:.2g}" for level in each))
    for kind, image_se in KINDS.items():
        random = np.random.default_rng(2026)
        found = {
            effect: np.array(
                [
                    p_values(study(random, looks[-1], effect, image_se), looks)
                    for _ in range(given.studies)
                ]
            )
            for effect in EFFECTS
        }
        console.print(
            f"\nChance by {kind}; {given.studies:,} studies of each difference, looks at "
            f"{', '.join(map(str, looks))} seeds"
        )
        console.print(table({name: ends(found, levels[name], looks) for name in RULES}))


def ends(
    found: dict[float, np.ndarray], levels: Sequence[float], looks: Sequence[int]
) -> dict[float, np.ndarray]:
    """Return how studies end on average, by true difference; see `outcome`."""
    return {
        effect: np.nanmean(outcome(each, levels, looks), axis=0) for effect, each in found.items()
    }


def table(results: dict[str, dict[float, np.ndarray]]) -> Table:
    """Return a row for each rule: wrong verdicts, then mean seeds and decided studies."""
    result = Table(box=box.HORIZONTALS, pad_edge=False)
    result.add_column("")
    for heading in ("false alarm", "false equivalence"):
        result.add_column(heading, justify="right")
    for effect in EFFECTS:
        result.add_column(f"seeds (decided) at {effect:g}", justify="right")
    for effect in EFFECTS[1:]:
        result.add_column(f"estimate ÷ {effect:g}", justify="right")
    for name, by_effect in results.items():
        result.add_row(
            name,
            f"{100 * by_effect[0.0][1]:.1f}%",
            f"{100 * by_effect[1.0][2]:.1f}%",
            *(
                f"{seeds:.1f} ({100 * min(different + equivalent, 1):.0f}%)"
                for seeds, different, equivalent, _ in by_effect.values()
            ),
            *(f"{by_effect[effect][3] / effect:.2f}" for effect in EFFECTS[1:]),
        )
    return result


if __name__ == "__main__":
    errors.run(main)
