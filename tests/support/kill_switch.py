"""Ends a process, as `kill -9` would, at a chosen one of its durable steps.

A durable step is what another process can see once this one is gone: a commit of SQLite; a rename,
link or removal; a new folder; a file that is opened for writing (two steps, because a process can
die before it, and after it with the file still empty); an fsync. Steps count in one folder alone,
and in the main thread alone, because a heartbeat comes when it comes. Every step is written to a
log, one line each, over all processes of a command: the number of a step is that of its line.

Python's audit hooks see files, also in other people's code; only sqlite3.connect and fsync have
to be replaced. A copy of this file named sitecustomize.py, in a folder of PYTHONPATH, arms itself
in every process that a command starts; so it imports nothing of the project.
"""

import fcntl
import json
import os
import signal
import sqlite3
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

VARIABLE = "KILL_SWITCH"  # of the environment, for the processes that a command starts
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "REPLACE")
# Each event with the places of its paths among the arguments, and of the folder's descriptor that
# the path before it may be relative to.
PATHS = {
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.truncate": ((0, None),),
    "shutil.rmtree": ((0, None),),
}


@dataclass(frozen=True)
class Switch:
    """What is counted, and when it ends.

    Attributes:
        folder: below which steps count.
        log: the file of the steps, outside it.
        at: the number of the step before which the process ends; 0 for never.
        group: whether its whole process group ends with it.
    """

    folder: str
    log: str
    at: int = 0
    group: bool = False

    def to_environment(self) -> dict[str, str]:
        """Return the environment variable that `arm_from_environment` reads."""
        return {VARIABLE: json.dumps(asdict(self))}

    def arm(self) -> None:
        """Count from now on in this process; it cannot be undone."""
        _Counter(self).install()


def arm_from_environment() -> None:
    """Arm the switch that the environment names, if it names one."""
    if VARIABLE in os.environ:
        Switch(**json.loads(os.environ[VARIABLE])).arm()


def steps(log: Path) -> list[str]:
    """Return the steps that were counted: each is a kind and a path, and of SQL its first words."""
    return log.read_text().splitlines() if log.exists() else []


class _Counter:
    """Sees every audit event of this process."""

    def __init__(self, switch: Switch):
        self.switch = switch
        self.root = os.path.realpath(switch.folder) + os.sep
        self.open()
        os.register_at_fork(after_in_child=self.open)  # a fork's lock shall be its own
        self.busy = threading.local()

    def open(self) -> None:
        self.log = os.open(self.switch.log, os.O_RDWR | os.O_CREAT | os.O_APPEND)

    def install(self) -> None:
        sys.addaudithook(self.see)
        connect = sqlite3.connect

        def connecting(database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(database, *arguments, **options)
            self.watch(connection, os.fsdecode(database))
            return connection

        sqlite3.connect = sqlite3.dbapi2.connect = connecting
        for name in ("fsync", "fdatasync"):
            if hasattr(os, name):
                setattr(os, name, self.counted(name, getattr(os, name)))

    def counted(self, name: str, call: Any) -> Any:
        def counting(file: Any) -> None:
            number = file if isinstance(file, int) else file.fileno()
            self.step(name, _path_of(number))
            call(file)

        return counting

    def see(self, event: str, arguments: tuple) -> None:
        """Count an audit event if it is a step."""
        if event not in PATHS and event != "open":
            return
        if threading.current_thread() is not threading.main_thread():
            return
        if getattr(self.busy, "now", False):
            return
        self.busy.now = True
        try:
            self.look_at(event, arguments)
        finally:
            self.busy.now = False

    def look_at(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not flags & WRITING:
                return
            if self.step("open", path) and flags & (os.O_CREAT | os.O_TRUNC):
                # The file as it is at once after it was opened: there, and empty.
                self.step("opened", path, first=lambda: os.open(path, flags, 0o666))
        else:
            places = [self.resolved(arguments, *place) for place in PATHS[event]]
            self.step(event.rpartition(".")[2], *(path for path in places if path))

    def resolved(self, arguments: tuple, place: int, folder: int | None) -> str | None:
        path = arguments[place]
        if isinstance(path, int):
            return None
        number = arguments[folder] if folder is not None and folder < len(arguments) else None
        start = _path_of(number) if isinstance(number, int) and number >= 0 else ""
        return str(Path(start, os.fsdecode(path)))

    def watch(self, connection: Any, database: str) -> None:
        """Count what a connection to SQLite makes durable."""
        if not self.inside(database):
            return

        def see(statement: str) -> None:
            word = statement.lstrip().partition(" ")[0].upper().rstrip(";")
            alone = word in CHANGES and not connection.in_transaction
            if (
                word == "COMMIT" or alone
            ) and threading.current_thread() is threading.main_thread():
                self.step(f"sql {word}", database)

        connection.set_trace_callback(see)

    def inside(self, path: Any) -> bool:
        whole = _absolute(path)
        return whole.startswith(self.root) and "__pycache__" not in whole

    def step(self, kind: str, *paths: Any, first: Any = None) -> bool:
        """Count a step, and if it is the one, end; return whether its path counts.

        Args:
            kind: of step.
            paths: that it is about.
            first: called before the end, to bring about what the step leaves behind.
        """
        known = [_absolute(path).removeprefix(self.root) for path in paths if self.inside(path)]
        if not known:
            return False
        fcntl.flock(self.log, fcntl.LOCK_EX)  # its end lets go
        size = os.fstat(self.log).st_size
        number = os.pread(self.log, size, 0).count(b"\n") + 1
        os.write(self.log, f"{kind} {' -> '.join(known)}\n".encode())
        if number == self.switch.at:
            if first is not None:
                first()
            if self.switch.group:
                os.killpg(0, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        fcntl.flock(self.log, fcntl.LOCK_UN)
        return True


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a link is a file of its own


def _path_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


if __name__ == "sitecustomize":
    arm_from_environment()
