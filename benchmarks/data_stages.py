"""Wall time and peak memory of fetch and preprocess, against pandas and NumPy.

python -m benchmarks.data_stages

Whole commands, interleaved. Both sides fetch from the four IDX files of MNIST in a local folder (a
warm mirror: in the system's cache) and end in the same CSVs and arrays. Ours also verify every byte
fetched, check every cell, draw two figures and replace files whole or not at all;
`benchmarks.references.pandas_numpy` does not. The peak is that of resident memory, as the system
counts it.
"""

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from benchmarks import harness, processes
from benchmarks.probes import MEGABYTES, SECONDS
from src.core import errors, paths
from src.data import mirrors

STAGES = ("fetch", "preprocess")
OURS, THEIRS = "ours", "pandas and NumPy"
TIME, MEMORY = harness.at_most(1 / 2), harness.at_most(1000)  # the goals; MB

Usage = Mapping[str, float]


def make_mirror(folder: Path) -> None:
    """Write MNIST's four IDX files into `folder`.

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
    """Run `python -m <words>` in a project; return its seconds and its peak in MB."""
    return processes.answer("-m", "benchmarks.probes", "memory", *words, folder=folder)


def rows(used: Mapping[str, Sequence[Usage]]) -> tuple[list[harness.Row], list[harness.Row]]:
    """Return the rows of the two tables, of seconds and of MB.

    Args:
        used: the results of `usage` in each round, by "<stage>: <side>".
    """

    def values(stage: str, side: str, unit: str) -> list[float]:
        return [one[unit] for one in used[f"{stage}: {side}"]]

    def both(side: str) -> list[float]:
        return list(map(sum, zip(*(values(stage, side, SECONDS) for stage in STAGES), strict=True)))

    seconds, megabytes = [], []
    for stage in STAGES:
        theirs = values(stage, THEIRS, SECONDS)
        seconds.append(harness.Row(f"{stage}: {THEIRS}", theirs))
        seconds.append(harness.Row(f"{stage}: {OURS}", values(stage, OURS, SECONDS), theirs))
        for side, goal in ((THEIRS, None), (OURS, MEMORY)):
            found = values(stage, side, MEGABYTES)
            megabytes.append(harness.Row(f"{stage}: {side}", found, goal=goal))
    reading = values("preprocess", THEIRS, SECONDS)
    seconds += [
        harness.Row(f"both: {THEIRS}", both(THEIRS)),
        harness.Row(f"both: {OURS}", both(OURS), both(THEIRS), TIME),
        harness.Row(f"both: {OURS}, to their preprocess", both(OURS), reading),
    ]
    return seconds, megabytes


def main() -> None:
    """Measure, and print the tables."""
    given = harness.parser("data_stages", __doc__, rounds=5).parse_args()
    conditions = harness.conditions("numpy", "pandas", "pyarrow")
    with tempfile.TemporaryDirectory() as name:
        mirror = Path(name) / "mirror"
        mirror.mkdir()
        make_mirror(mirror)
        ours, theirs = (make_project(Path(name) / side, mirror) for side in ("ours", "theirs"))
        reference = partial(usage, theirs, "benchmarks.references.pandas_numpy")
        used = harness.interleave(
            {
                f"fetch: {THEIRS}": partial(reference, "fetch", str(mirror)),
                f"fetch: {OURS}": partial(usage, ours, "src.fetch"),
                f"preprocess: {THEIRS}": partial(reference, "preprocess"),
                f"preprocess: {OURS}": partial(usage, ours, "src.preprocess"),
            },
            given.rounds,
            describe=lambda one: f"{one[SECONDS]:.1f} s, {one[MEGABYTES]:.0f} MB",
        )
    seconds, megabytes = rows(used)
    harness.show("Seconds of the whole command", conditions, seconds)
    harness.show("Megabytes of memory at the peak", "", megabytes)


if __name__ == "__main__":
    errors.run(main)
