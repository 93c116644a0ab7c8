"""Images/s of the notebook CNN's training step, ours against PyTorch at its best.

python -m benchmarks.throughput

Both sides take real images from memory, without augmentation, and count a whole step: batch,
forward, backward, optimizer. Each measurement has its own process, so that no library's threads
wait beside another's.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from math import isnan, nan
from statistics import median

from benchmarks import harness, probes, processes
from src.core import errors, metric_names
from src.core.errors import InputError

OURS = ("float32", "mixed_bfloat16")
PYTORCH = (("float32", "bfloat16"), ("", "channels-last"), ("", "compile"))
GOAL = harness.at_least(1.1)


def rate(*words: str) -> float:
    """Return the images/s that `python -m <words>` reports, or NaN where it cannot run."""
    try:
        return processes.answer("-m", *words)[metric_names.IMAGES_PER_SECOND]
    except InputError:  # its reason has been printed
        return nan


def measurements(activation: str, batch_size: int, steps: int) -> dict[str, Callable[[], float]]:
    """Return, by name, our step at each precision and each of PyTorch's variants."""
    found: dict[str, Callable[[], float]] = {}
    for precision in OURS:
        chosen = (f"activation={activation}", f"batch_size={batch_size}", f"precision={precision}")
        ours = ("benchmarks.probes", "step", "--steps", str(steps), *probes.NOTEBOOK, *chosen)
        found[f"{batch_size}: ours {precision}"] = partial(rate, *ours)
    common = ("--activation", activation, "--batch-size", str(batch_size), "--steps", str(steps))
    for precision, *switches in product(*PYTORCH):
        used = [switch for switch in switches if switch]
        theirs = ("benchmarks.references.pytorch", "notebook_step", *common)
        options = ("--precision", precision, *(f"--{switch}" for switch in used))
        name = " ".join([f"{batch_size}: PyTorch {precision}", *used])
        found[name] = partial(rate, *theirs, *options)
    return found


def rows(rates: Mapping[str, Sequence[float]]) -> list[harness.Row]:
    """Return the table's rows for one batch size: ratios are to PyTorch's best variant, and our
    best one has the goal.

    Args:
        rates: images/s of each round by the names of `measurements`; NaN where one failed.

    Raises:
        InputError: one side has no variant that ran.
    """
    ran = {name: values for name, values in rates.items() if not any(map(isnan, values))}
    ours = [name for name in ran if " ours " in name]
    theirs = [name for name in ran if name not in ours]
    if not ours or not theirs:
        raise InputError("There is nothing to compare: no variant ran, for the reasons above.")
    our_best, their_best = (
        max(names, key=lambda name: median(ran[name])) for names in (ours, theirs)
    )
    return [
        harness.Row(name, ran[name], ran[their_best], GOAL if name == our_best else None)
        if name in ran
        else harness.Row(f"{name}: does not run here", [])
        for name in rates
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("throughput", __doc__, rounds=5)
    parser.add_argument(
        "--activation", choices=("relu", "swish"), default="relu", help="of the network"
    )
    parser.add_argument(
        "--batch-sizes", type=int, nargs="+", default=[86, 256], help="images per step"
    )
    parser.add_argument("--steps", type=int, default=100, help="timed in a row")
    given = parser.parse_args()

    conditions = harness.conditions("tensorflow", "keras", "torch")
    groups = [measurements(given.activation, size, given.steps) for size in given.batch_sizes]
    rates = harness.interleave(
        {name: one for group in groups for name, one in group.items()}, given.rounds
    )
    harness.show(
        f"Images/s of the notebook CNN's training step ({given.activation}), by batch size, and "
        "their ratio to PyTorch's best",
        conditions,
        [row for group in groups for row in rows({name: rates[name] for name in group})],
    )


if __name__ == "__main__":
    errors.run(main)
