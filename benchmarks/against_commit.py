"""Today's code against that of an older commit: whole commands, interleaved.

python -m benchmarks.against_commit 6626f83
python -m benchmarks.against_commit 6626f83 --measure study --rounds 3

Each side has its own project, in a folder that lasts as long as the benchmark: its code,
conf/ and params.yaml, and the data that its own fetch and preprocess make. Both run in today's
environment: install packages that only the older code imports. `train` is one training with
everything around it, `stages` is fetch and preprocess, `study` is ten short runs in two workers.
"""

import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks import harness, processes
from src.config import compose
from src.core import errors, paths
from src.core.errors import InputError

TODAY = "today"
STUDY = {
    "question": "How long do short runs take?",
    "factor": "activation",
    "levels": ["relu", "swish"],
    "seeds": [1, 2, 3, 4, 5],
    "experiment": "default",
    "workers": 2,
}
GOAL = harness.at_most(1)


def extract(commit: str, folder: Path) -> None:
    """Write all files of a commit to a new folder: older code has plugins beside its src/.

    Raises:
        InputError: git does not know the commit.
    """
    command = ["git", "archive", "--format=zip", commit]
    done = subprocess.run(command, cwd=processes.ROOT, capture_output=True, check=False)
    if done.returncode:
        raise InputError(
            f"git cannot give the code of {commit} ({done.stderr.decode().strip()}): name a commit "
            "of this repository."
        )
    with zipfile.ZipFile(io.BytesIO(done.stdout)) as packed:
        packed.extractall(folder)


def copy(folder: Path) -> None:
    """Write the code as it is now, with changes that are not committed, to a new folder."""
    folder.mkdir()
    processes.copy_code(folder)
    shutil.copy(processes.ROOT / paths.PARAMS, folder)


def stages(folder: Path) -> float:
    """Run fetch and preprocess in a project; return their wall time in seconds."""
    return sum(
        processes.run("-m", stage, folder=folder)[0] for stage in ("src.fetch", "src.preprocess")
    )


def study(folder: Path, overrides: Sequence[str], dataset: str) -> float:
    """Run a study of ten runs in a project, anew each time; return its wall time in seconds."""
    number = len(list((folder / "conf" / "study").glob("bench*.yaml")))
    content = STUDY | {"dataset": dataset, "overrides": [*overrides]}
    (folder / "conf" / "study" / f"bench{number}.yaml").write_text(yaml.safe_dump(content))
    return processes.run("-m", "src.study", f"bench{number}", folder=folder)[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = harness.parser("against_commit", __doc__, rounds=3)
    parser.add_argument("commit", nargs="?", default="HEAD", help="the older one")
    parser.add_argument("--measure", choices=("train", "stages", "study"), default="train")
    parser.add_argument(
        "--overrides", nargs="+", default=["epochs=3"], help="of every training, on both sides"
    )
    given = parser.parse_args(arguments)

    compose.compose(*given.overrides)  # mistakes, before anything is trained
    conditions = harness.conditions("tensorflow", "keras")
    with tempfile.TemporaryDirectory() as name:
        sides = {given.commit: Path(name) / "before", TODAY: Path(name) / "today"}
        extract(given.commit, sides[given.commit])
        copy(sides[TODAY])
        for folder in sides.values():
            stages(folder)
        measurements = {
            side: _measurement(given.measure, folder, given.overrides)
            for side, folder in sides.items()
        }
        results = harness.interleave(measurements, given.rounds, describe=str)
    harness.show(
        f"{given.measure}, {' '.join(given.overrides)}: today's code against {given.commit}",
        conditions,
        _rows(results, given.commit),
    )


def _measurement(measure: str, folder: Path, overrides: Sequence[str]) -> Callable[[], Any]:
    """Return the function that measures one side."""
    if measure == "train":
        return partial(processes.train, folder, *overrides)
    if measure == "stages":
        return partial(stages, folder)
    fetch = yaml.safe_load((folder / paths.PARAMS).read_text())["fetch"]
    return partial(study, folder, overrides, f"{fetch['source']}-{fetch['layout']}")


def _rows(results: Mapping[str, Sequence[Any]], commit: str) -> list[harness.Row]:
    """Return the table's rows: of a training its seconds and those of the whole command."""
    if not isinstance(results[TODAY][0], processes.TrainingProcess):
        before, today = results[commit], results[TODAY]
        return [
            harness.Row(f"{commit}, s", before),
            harness.Row("today, s", today, before, GOAL),
        ]
    rows = []
    for title, name in (("training", "seconds"), ("whole command", "wall_seconds")):
        before, today = ([getattr(one, name) for one in results[side]] for side in (commit, TODAY))
        rows += [
            harness.Row(f"{commit}: {title}, s", before),
            harness.Row(f"today: {title}, s", today, before, GOAL),
        ]
    return rows


if __name__ == "__main__":
    errors.run(main)
