"""Wall time and peak memory of fetch and preprocess, against pandas and NumPy.

python -m benchmarks.data_stages

Whole commands, in turn. Both sides fetch from the four IDX files of MNIST in a local folder (a
mirror that is warm: in the system's cache) and end in the same CSVs and arrays. Ours also verify
every byte fetched, check every cell, draw two figures and replace files whole or not at all;
`benchmarks.references.pandas_numpy` does not. The peak is that of resident memory, as the system
counts it (`benchmarks.usage`).
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from benchmarks import projects, turns
from benchmarks.usage import MEGABYTES, SECONDS
from src.data import mirrors
from src.runtime import errors, paths

STAGES = ("fetch", "preprocess")
OURS, THEIRS = "ours", "pandas and NumPy"
TIME, MEMORY = turns.at_most(1 / 2), turns.at_most(1000)  # the goals; MB

Usage = Mapping[str, float]


def make_mirror(folder: Path) -> None:
    """Write MNIST's four IDX files there.

    They come from the folder that fetch.path in params.yaml names, or from a download.

    Raises:
        InputError: neither has them.
    """
    params = OmegaConf.load(paths.PARAMS).fetch
    if params.source == "mnist" and params.path:
        arrays = mirrors.read_folder(Path(params.path), "mnist")
    else:
        arrays, _ = mirrors.download("mnist")
    for name, array in arrays.items():
        header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
        (folder / name).write_bytes(header + array.tobytes())


def make_project(folder: Path, mirror: Path) -> Path:
    """Make a project that fetches MNIST from the mirror in Kaggle's layout; return its folder."""
    folder.mkdir()
    params = OmegaConf.load(paths.PARAMS)
    params.fetch.update(source="mnist", layout="kaggle", path=str(mirror))
    OmegaConf.save(params, folder / paths.PARAMS)
    return folder


def usage(folder: Path, *words: str) -> Usage:
    """Run `python -m <words>` in a project; return its seconds and its peak in megabytes."""
    command = ("-m", "benchmarks.usage", "-m", *words)
    return turns.answer(*command, folder=folder, PYTHONPATH=str(projects.ROOT))


def rows(used: Mapping[str, Sequence[Usage]]) -> tuple[list[turns.Row], list[turns.Row]]:
    """Return the rows of the two tables, of seconds and of megabytes.

    Args:
        used: what `usage` returned in each round, by "<stage>: <side>".
    """

    def values(stage: str, side: str, what: str) -> list[float]:
        return [one[what] for one in used[f"{stage}: {side}"]]

    def both(side: str) -> list[float]:
        return list(map(sum, zip(*(values(stage, side, SECONDS) for stage in STAGES), strict=True)))

    seconds, megabytes = [], []
    for stage in STAGES:
        theirs = values(stage, THEIRS, SECONDS)
        seconds.append(turns.Row(f"{stage}: {THEIRS}", theirs))
        seconds.append(turns.Row(f"{stage}: {OURS}", values(stage, OURS, SECONDS), theirs))
        for side, goal in ((THEIRS, None), (OURS, MEMORY)):
            found = values(stage, side, MEGABYTES)
            megabytes.append(turns.Row(f"{stage}: {side}", found, goal=goal))
    reading = values("preprocess", THEIRS, SECONDS)
    seconds += [
        turns.Row(f"both: {THEIRS}", both(THEIRS)),
        turns.Row(f"both: {OURS}", both(OURS), both(THEIRS), TIME),
        turns.Row(f"both: {OURS}, to their preprocess", both(OURS), reading),
    ]
    return seconds, megabytes


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description="Fetch and preprocess, against pandas and NumPy.")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    conditions = turns.conditions("numpy", "pandas", "pyarrow")
    with tempfile.TemporaryDirectory() as name:
        mirror = Path(name) / "mirror"
        mirror.mkdir()
        make_mirror(mirror)
        ours, theirs = (make_project(Path(name) / side, mirror) for side in ("ours", "theirs"))
        reference = partial(usage, theirs, "benchmarks.references.pandas_numpy")
        used = turns.take(
            {
                f"fetch: {THEIRS}": partial(reference, "fetch", str(mirror)),
                f"fetch: {OURS}": partial(usage, ours, "src.fetch"),
                f"preprocess: {THEIRS}": partial(reference, "preprocess"),
                f"preprocess: {OURS}": partial(usage, ours, "src.preprocess"),
            },
            given.rounds,
            say=lambda one: f"{one[SECONDS]:.1f} s, {one[MEGABYTES]:.0f} MB",
        )
    seconds, megabytes = rows(used)
    turns.show("Seconds of the whole command", conditions, seconds)
    turns.show("Megabytes of memory at the peak", "", megabytes)


if __name__ == "__main__":
    errors.run(main)
