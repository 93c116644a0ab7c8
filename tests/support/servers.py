"""Servers, MLflow's and ours, each in a process of its own, on a port that is free."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import environment


@contextmanager
def serving(*words: str, folder: Path, ready: str, **more: str) -> Iterator[str]:
    """Run `python -m mlflow ...` until the block ends, and yield the server's address.

    Args:
        words: the command, without host and port.
        folder: where it runs, and writes server.log.
        ready: the path that answers when the server is up.
        more: environment variables.
    """
    with running("mlflow", *words, "--host", "127.0.0.1", folder=folder, ready=ready, **more) as at:
        yield at


@contextmanager
def running(*words: str, folder: Path, ready: str, **more: str) -> Iterator[str]:
    """Run `python -m ... --port PORT` until the block ends, and yield the server's address.

    Args:
        words: the command, without the port.
        folder: where it runs, and writes server.log.
        ready: the path that answers when the server is up.
        more: environment variables.
    """
    port = free_port()
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *words, "--port", str(port)],
            cwd=folder,
            env=environment(**more),
            stdout=output,
            stderr=output,
            start_new_session=True,  # the server starts workers: all are ended together
        )
    try:
        last = time.monotonic() + 600  # a hundred times what it takes, for a busy machine
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{ready}", timeout=5)
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < last, f"No answer:\n{log.read_text()}"
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
