"""Identifies processes, to see whether one is still alive."""

import os
import socket
from pathlib import Path

import psutil

PROC = Path("/proc")


def identity(pid: int | None = None) -> str:
    """Return an ID of a process that survives PID reuse: PID-START-MACHINE (or container)."""
    pid = pid or os.getpid()
    return f"{pid}-{_started(pid)}-{socket.gethostname()}"


def is_alive(identity: str) -> bool | None:
    """Return whether the process of an `identity` is alive, or None if that is unknown here."""
    try:
        pid, started, machine = identity.split("-", 2)
        return _started(int(pid)) == int(started) if machine == socket.gethostname() else None
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return False
    except (ValueError, psutil.AccessDenied):  # not an identity, or another user's process
        return None


def _started(pid: int) -> int:
    """Return when a process began: on Linux in ticks since the boot, which no clock changes."""
    if (PROC / "self" / "stat").is_file():
        # The name, in brackets, may hold anything; what follows starts at field 3, the state.
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        if state in "ZX":
            raise ProcessLookupError(pid)
        return int(fields[18])
    return round(psutil.Process(pid).create_time())
