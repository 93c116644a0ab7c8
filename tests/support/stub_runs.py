"""Runs that train nothing, for tests of executors: each does what its name's first word says."""

import os
import time
from pathlib import Path

from src.core.errors import InputError
from src.experiments import executors
from src.experiments.run_spec import RunSpec


def stub(name: str, folder: Path) -> RunSpec:
    """Return a run of this name, for `train`."""
    texts = dict.fromkeys(("digest", "data_digest", "job", "command"), "")
    return RunSpec(cfg=None, choices={}, settings={}, name=name, folder=folder / name, **texts)


def train(spec: RunSpec) -> None:
    """Do what the name says; print the name, the process and its threads."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    with (spec.folder / executors.LOG).open("a") as log:
        print(spec.name, os.getpid(), os.environ.get("TF_NUM_INTRAOP_THREADS"), file=log)
    what, _, more = spec.name.partition(" ")
    tried = spec.folder / "tried"
    first = not tried.exists()
    with tried.open("a") as file:
        file.write("x")
    if what == "fail":
        raise InputError("as it must.")
    if what == "break":
        raise ZeroDivisionError("a defect")
    if what == "die" or (what == "die_once" and first):
        os._exit(9)
    if what == "sleep":
        try:
            for _ in range(round(float(more) * 20)):  # Ray interrupts between two calls
                time.sleep(0.05)
        except KeyboardInterrupt:
            (spec.folder / "interrupted").touch()
            raise


def train_on_a_gpu(spec: RunSpec) -> None:
    """Train a real run, but only together with another; note the GPU that it sees."""
    spec.folder.mkdir()
    (spec.folder / "gpu").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
    last = time.monotonic() + 120
    while len(list(spec.folder.parent.glob("*/gpu"))) < 2:
        if time.monotonic() > last:
            raise TimeoutError
        time.sleep(0.1)
    executors.train(spec)


def wait_until_begun(folder: Path) -> None:
    """Return when the run of a folder has begun."""
    last = time.monotonic() + 100
    while not (folder / "tried").exists():
        assert time.monotonic() < last
        time.sleep(0.1)


def printed(spec: RunSpec) -> tuple[str, str]:
    """Return the process and the threads that a run printed."""
    process, threads = (spec.folder / executors.LOG).read_text().split()[-2:]
    return process, threads
