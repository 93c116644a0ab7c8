"""Which process it is, for others to see whether it is still alive."""

import os
import socket
from pathlib import Path

import psutil

PROC = Path("/proc")


def identity() -> str:
    """Return what tells this process from every other, also from a later one with its number.

    It has the form PID-START-MACHINE; containers are machines of their own.
    """
    return f"{os.getpid()}-{_started(os.getpid())}-{_machine()}"


def is_alive(identity: str) -> bool | None:
    """Return whether the process of an `identity` is alive; None if that cannot be told here."""
    try:
        pid, started, machine = identity.split("-", 2)
        return _started(int(pid)) == int(started) if machine == _machine() else None
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return False
    except (ValueError, psutil.AccessDenied):  # no identity, or another user's process
        return None


def described(identity: str) -> str:
    """Return the process of an `identity` in words."""
    pid, _, rest = identity.partition("-")
    machine = rest.partition("-")[2] or "an unknown machine"
    return f"process {pid or '?'} on {machine}"


def _started(pid: int) -> int:
    """Return when a process began: in ticks since the boot, where Linux tells, because a clock that
    is set meanwhile moves the time of day.
    """
    if (PROC / "self" / "stat").is_file():
        # The name, in brackets, may hold anything; what follows starts at field 3.
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
    return round(psutil.Process(pid).create_time())


def _machine() -> str:
    return socket.gethostname()
