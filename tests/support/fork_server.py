"""Runs the project's commands in forks of one process that has imported all of its code.

Importing TensorFlow and MLflow takes most of the time of a command on small data; a fork has them
already. In all else it is as fresh as a new process, because the server imports modules and calls
nothing. Started by its path, in the project whose code is to run, it imports nothing of the tests
but the kill switch beside it.
"""

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIBRARIES = (
    "mlflow.tensorflow",
    "mlflow.store.db.utils",
    "mlflow.store.tracking.sqlalchemy_store",
    "matplotlib.backends.backend_agg",
)


@dataclass(frozen=True)
class ForkServer:
    """The client of a running server."""

    address: Path  # of its socket
    hooks: Path  # for PYTHONPATH, by which the kill switch reaches other processes

    def run(
        self, folder: Path, words: Sequence[str], output: Path, variables: Mapping[str, str]
    ) -> int:
        """Run `python -m WORDS` in a project, append its output to a file, and return its exit
        status, negative for a signal. The environment variables may hold a kill switch.
        """
        asked = {
            "folder": str(folder),
            "words": list(words),
            "output": str(output),
            "variables": {"PYTHONPATH": str(self.hooks), **variables},
        }
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.address))
            connection.sendall(json.dumps(asked).encode() + b"\n")
            with connection.makefile() as answer:
                return int(answer.readline())


@contextlib.contextmanager
def running(project: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[ForkServer]:
    """Yield a server that runs the code of a project; it ends with the block.

    The path of `folder`, where the server's files go, is short, as a socket's has to be.
    """
    hooks = folder / "hooks"
    hooks.mkdir()
    shutil.copy(Path(__file__).with_name("kill_switch.py"), hooks / "sitecustomize.py")
    address = folder / "socket"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, __file__, str(address)],
            cwd=project,
            env={**environment, "PYTHONPATH": str(project)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            while not address.exists():
                if process.poll() is not None:
                    raise RuntimeError((folder / "log").read_text())
                time.sleep(0.05)
            yield ForkServer(address, hooks)
        finally:
            process.terminate()
            process.wait()


def serve(address: str) -> None:
    """Import everything, then answer until the end: one fork for each question."""
    from kill_switch import arm_from_environment

    sys.path[0] = str(Path.cwd())  # as `python -m` has it, in place of this file's folder
    import src

    for name in (
        *LIBRARIES,
        *(found.name for found in pkgutil.walk_packages(src.__path__, "src.")),
    ):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != "submitit":  # of the extra `slurm`, which not every machine has
                raise
    if threading.active_count() > 1:
        raise RuntimeError(f"These threads would not survive a fork: {threading.enumerate()}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{address}.unready")
        listener.listen(64)
        Path(f"{address}.unready").rename(address)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                _answer(connection, arm_from_environment)
                os._exit(0)
            connection.close()


def _answer(connection: socket.socket, begin: Callable[[], None]) -> None:
    """Run the command in its own process, and send its exit status."""
    with connection.makefile() as lines:
        asked = json.loads(lines.readline())
    child = os.fork()
    if child == 0:
        connection.close()
        os._exit(_command(asked, begin))
    _, ended = os.waitpid(child, 0)
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(f"{os.waitstatus_to_exitcode(ended)}\n".encode())


def _command(asked: dict, begin: Callable[[], None]) -> int:
    """Become the command; return its exit status."""
    os.setsid()
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(asked["folder"])
    os.environ.update(asked["variables"])
    module, *sys.argv[1:] = asked["words"]
    sys.modules.pop(module, None)  # it runs as __main__
    begin()
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    # What Python does at its end.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    serve(sys.argv[1])
