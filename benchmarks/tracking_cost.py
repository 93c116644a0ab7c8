"""What MLflow costs a training: its wall time with tracking, against the same without, in turn.

python -m benchmarks.tracking_cost

Both are whole processes with the same overrides; what benchmarks/untracked.py leaves out is all
that the difference is made of. The first tracked one also creates the store.
"""

import argparse
from collections.abc import Sequence
from functools import partial

from benchmarks import projects, turns
from benchmarks.projects import Process
from src.runtime import errors

SHARE, ONCE = 0.02, 5.0  # the goal: of the training's seconds, and seconds once


def rows(tracked: Sequence[Process], untracked: Sequence[Process]) -> list[turns.Row]:
    """Return the table's rows, from the processes of each round."""
    pairs = list(zip(tracked, untracked, strict=True))
    allowed = [SHARE * without.train_seconds + ONCE for _, without in pairs]
    difference = [with_it.seconds - without.seconds for with_it, without in pairs]
    return [
        turns.Row("tracked", [done.seconds for done in tracked]),
        turns.Row("  of it training", [done.train_seconds for done in tracked]),
        turns.Row("untracked", [done.seconds for done in untracked]),
        turns.Row("  of it training", [done.train_seconds for done in untracked]),
        turns.Row(f"allowed: {SHARE:.0%} of that + {ONCE:.0f} s", allowed),
        turns.Row("difference", difference, allowed, turns.at_most(1)),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="What MLflow costs a training.")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--overrides", nargs="+", default=[], help="of both, such as model=mlp")
    given = parser.parse_args()

    conditions = turns.conditions("tensorflow", "keras", "mlflow")
    overrides = (f"epochs={given.epochs}", *given.overrides)
    with projects.with_our_data() as folder:
        modules = {"untracked": "benchmarks.untracked", "tracked": "src.train"}
        results = turns.take(
            {
                name: partial(projects.process, folder, *overrides, module=module)
                for name, module in modules.items()
            },
            given.rounds,
            say=str,
        )
    turns.show(
        f"Wall seconds of `python -m src.train {' '.join(overrides)}`, and the share of the "
        "allowance that tracking takes",
        conditions,
        rows(results["tracked"], results["untracked"]),
    )


if __name__ == "__main__":
    errors.run(main)
