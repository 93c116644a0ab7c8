"""Kills or disturbs a process at a chosen one of its durable steps.

A durable step has an effect that other processes see once this one is gone: a commit of SQLite; a
rename, link or removal; a new folder; a file that is opened for writing (two steps, because a
process can die before it, and after it with the file still empty); an fsync. Only steps in one
folder and in the main thread count, because heartbeats come at any time. Every step of all
processes of a command is a line in one log: the number of a step is that of its line.

Python's audit hooks see files, also in other people's code; only sqlite3.connect and fsync have
to be replaced. A copy of this file named sitecustomize.py, in a folder of PYTHONPATH, arms itself
in every process that a command starts; so it imports nothing of the project.
"""

import errno
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
# The indices of each event's paths among its arguments, each with that of the descriptor of the
# folder that the path may be relative to.
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
# What happens just before the chosen step.
KILL, KILL_ALL = "SIGKILL", "SIGKILL of the process group"
INTERRUPT, TERMINATE = "SIGINT of the process group", "SIGTERM"
FULL_DISK = "no space left on device"


@dataclass(frozen=True)
class Switch:
    """The steps that count, and the event at one of them."""

    folder: str  # below which steps count
    log: str  # the file of the steps, outside it
    at: int = 0  # the number of the step before which the event happens; 0 for never
    event: str = KILL

    def to_environment(self) -> dict[str, str]:
        """Return the environment variable that `arm_from_environment` reads."""
        return {VARIABLE: json.dumps(asdict(self))}


def arm_from_environment() -> None:
    """Arm the switch that the environment names, if any; it cannot be undone."""
    if VARIABLE in os.environ:
        _Counter(Switch(**json.loads(os.environ[VARIABLE]))).install()


def steps(log: Path) -> list[str]:
    """Return the steps that were counted: each is a kind and a path, and of SQL its first word."""
    return log.read_text().splitlines() if log.exists() else []


class _Counter:
    """Sees every audit event of this process."""

    def __init__(self, switch: Switch):
        self.switch = switch
        self.root = os.path.realpath(switch.folder) + os.sep
        self.open()
        os.register_at_fork(after_in_child=self.open)  # a fork needs its own lock
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
            if hasattr(os, name):  # macOS has no fdatasync
                setattr(os, name, self.counted(name, getattr(os, name)))

    def counted(self, name: str, call: Any) -> Any:
        def counting(file: Any) -> None:
            number = file if isinstance(file, int) else file.fileno()
            self.step(name, _path_of(number))
            call(file)

        return counting

    def see(self, event: str, arguments: tuple) -> None:
        """Count an audit event if it is a step."""
        relevant = event in PATHS or event == "open"
        if not relevant or not _in_main_thread() or getattr(self.busy, "now", False):
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
                # The file as it is right after it was opened: there, and empty.
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
        """Count the durable steps of a connection to SQLite."""
        if not self.inside(database):
            return

        def see(statement: str) -> None:
            word = statement.lstrip().partition(" ")[0].upper().rstrip(";")
            alone = word in CHANGES and not connection.in_transaction
            if (word == "COMMIT" or alone) and _in_main_thread():
                self.step(f"sql {word}", database)

        connection.set_trace_callback(see)

    def inside(self, path: Any) -> bool:
        whole = _absolute(path)
        return whole.startswith(self.root) and "__pycache__" not in whole

    def step(self, kind: str, *paths: Any, first: Any = None) -> bool:
        """Count a step, and bring about the event if it is the chosen one; return whether it
        counts. `first` brings about the effect of the step, before a kill.
        """
        inside = [_absolute(path).removeprefix(self.root) for path in paths if self.inside(path)]
        if not inside:
            return False
        fcntl.flock(self.log, fcntl.LOCK_EX)
        size = os.fstat(self.log).st_size
        number = os.pread(self.log, size, 0).count(b"\n") + 1
        os.write(self.log, f"{kind} {' -> '.join(inside)}\n".encode())
        event = self.switch.event if number == self.switch.at else None
        if event in (KILL, KILL_ALL):
            if first is not None:
                first()
            os.kill(0 if event == KILL_ALL else os.getpid(), signal.SIGKILL)  # 0 is the group
        fcntl.flock(self.log, fcntl.LOCK_UN)
        if event == INTERRUPT:
            os.killpg(0, signal.SIGINT)
        elif event == TERMINATE:
            os.kill(os.getpgid(0), signal.SIGTERM)
        elif event == FULL_DISK:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), inside[-1])
        return True


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a link counts as itself


def _path_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


if __name__ == "sitecustomize":
    arm_from_environment()
