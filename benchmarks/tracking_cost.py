"""The cost of MLflow to a training: its wall time with tracking, against the same without.

python -m benchmarks.tracking_cost

Both are whole processes with the same overrides, interleaved; the untracked one also has
mlflow.enabled=false. The first tracked one also creates the store.
"""

from collections.abc import Sequence
from functools import partial

from benchmarks import harness, processes
from benchmarks.processes import TrainingProcess
from src.config import compose
from src.core import errors

SHARE, ONCE = 0.02, 5.0  # the goal: of the training's seconds, and seconds once
UNTRACKED = "mlflow.enabled=false"


def rows(
    tracked: Sequence[TrainingProcess], untracked: Sequence[TrainingProcess]
) -> list[harness.Row]:
    """Return the table's rows, from the processes of each round."""
    pairs = list(zip(tracked, untracked, strict=True))
    allowed = [SHARE * without.seconds + ONCE for _, without in pairs]
    difference = [with_it.wall_seconds - without.wall_seconds for with_it, without in pairs]
    return [
        harness.Row("tracked", [done.wall_seconds for done in tracked]),
        harness.Row("  of which training", [done.seconds for done in tracked]),
        harness.Row("untracked", [done.wall_seconds for done in untracked]),
        harness.Row("  of which training", [done.seconds for done in untracked]),
        harness.Row(f"allowed: {SHARE:.0%} of the latter + {ONCE:.0f} s", allowed),
        harness.Row("difference", difference, allowed, harness.at_most(1)),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("tracking_cost", __doc__, rounds=3)
    parser.add_argument("--epochs", type=int, default=4, help="of each training")
    parser.add_argument("--overrides", nargs="+", default=[], help="of both, such as model=mlp")
    given = parser.parse_args()

    overrides = (f"epochs={given.epochs}", *given.overrides)
    compose.compose(*overrides)  # mistakes, before anything is trained
    conditions = harness.conditions("tensorflow", "keras", "mlflow")
    with processes.project_with_our_data() as folder:
        results = harness.interleave(
            {
                "untracked": partial(processes.train, folder, *overrides, UNTRACKED),
                "tracked": partial(processes.train, folder, *overrides),
            },
            given.rounds,
            describe=str,
        )
    harness.show(
        f"Wall seconds of `python -m src.train {' '.join(overrides)}`, and the share of the "
        "allowance that tracking takes",
        conditions,
        rows(results["tracked"], results["untracked"]),
    )


if __name__ == "__main__":
    errors.run(main)
