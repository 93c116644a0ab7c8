"""Servers, MLflow's and ours, each in its own process and on a free port."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import debian
from tests.support.commands import environment
from tests.support.leash import leashed

PATIENCE_SECONDS = 600  # a hundred times what it takes, for a busy machine


@contextmanager
def serving(*words: str, folder: Path, ready: str, **more: str) -> Iterator[str]:
    """Run `python -m mlflow ...` as `running` does."""
    with running("mlflow", *words, "--host", "127.0.0.1", folder=folder, ready=ready, **more) as at:
        yield at


@contextmanager
def tracking_server(folder: Path) -> Iterator[str]:
    """Run MLflow's server over SQLite in a new folder, and yield its address."""
    folder.mkdir()
    words = ("server", "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db")
    words += ("--artifacts-destination", str(folder / "artifacts"))
    jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with serving(*words, folder=folder, ready="health", **jobs) as address:
        yield address


@contextmanager
def running(*words: str, folder: Path, ready: str, **more: str) -> Iterator[str]:
    """Run `python -m ... --port PORT` in a folder until the block ends, with more environment
    variables, and yield the server's address, once the path `ready` answers.
    """
    port, log = free_port(), folder / "server.log"
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", *words, "--port", str(port)]
    with leashed(command, log, cwd=folder, env=environment(**more)) as process:
        wait_for(f"{address}/{ready}", process, log)
        yield address


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    """Return when an address answers."""

    def answers() -> bool:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True

    wait_until(answers, process, log)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    """Return when a server is ready; fail with its log if its process ends before."""
    last = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < last, f"Not ready:\n{log.read_text()}"
        time.sleep(0.25)


def free_port() -> int:
    """Return a port of loopback that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program(name: str, packages: Sequence[str], places: Callable[[], str] | None = None) -> str:
    """Return the path of a program, installed from Debian's packages if need be; fail without it;
    `places` returns the folders to look in, instead of PATH.
    """

    def look() -> str | None:
        return shutil.which(name, path=places() if places else None)

    refused = "" if look() else debian.install(*packages)
    found = look()
    if found is None:
        reason = f" ({' '.join(refused.split())[:500]})" if refused else ""
        install = f"apt-get install {' '.join(packages)}"
        pytest.fail(f"{name} is not installed{reason}: run `{install}`.", pytrace=False)
    return found
