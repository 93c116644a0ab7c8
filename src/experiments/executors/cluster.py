"""The Ray that runs train on: one that this process starts on this machine, or a cluster."""

import os
import signal
import socket
from collections.abc import Collection
from typing import Any, NamedTuple

from src.core import quiet
from src.core.errors import InputError, one_line
from src.core.formatting import count
from src.tracking import fingerprint

ADDRESS = "RAY_ADDRESS"  # the variable that names the cluster to join
START = "local"  # its value that starts a Ray, as no value does
FIND = "auto"  # its value for the cluster whose node this machine is
TIMEOUT_SECONDS = 5
# HTTP/2's preface and an empty SETTINGS frame; a gRPC server answers with a SETTINGS frame.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS = 4
# The code alone travels: no data, runs, packages or secrets. Ray reads it as a .gitignore, and
# matches the folder itself too, as ".".
NOT_CODE = ["/*", "!/.", "!/src", "!/conf", "__pycache__"]
# Read by Ray when it is imported.
SETTINGS_OF_RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # it warns that this will be the default one day
    "RAY_RUNTIME_ENV_LOG_TO_DRIVER_ENABLED": "0",
    "RAY_worker_niceness": "0",  # of a Ray that starts here: 15 would starve beside anything else
}


class Node(NamedTuple):
    """A node that is alive."""

    id: str
    cpus: float
    gpus: float


def address() -> str | None:
    """Return the address of the cluster to join; None to start a Ray on this machine."""
    given = os.environ.get(ADDRESS, "")
    return None if given in ("", START) else given


def library() -> Any:
    """Return the module `ray`, or raise InputError if it is not installed."""
    for name, value in SETTINGS_OF_RAY.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "executor=ray needs Ray, which is not installed: run `make .venv/cluster` (the extra "
            "cluster), or use executor=local."
        ) from error
    return ray


def connect() -> None:
    """Start a Ray on this machine or join the cluster of RAY_ADDRESS, unless that is done already;
    raise InputError if Ray is not installed, does not answer, or cannot be joined.
    """
    ray, where = library(), address()
    if ray.is_initialized():
        return
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if where is None:
        print("Starting Ray on this machine", flush=True)
        # Wherever the command runs, a worker finds the code that the command found.
        path = os.pathsep.join(filter(None, (str(fingerprint.ROOT), os.environ.get("PYTHONPATH"))))
        runtime = {"env_vars": {"PYTHONPATH": path}}
        settings |= {"address": START, "include_dashboard": False, "runtime_env": runtime}
    else:
        _refuse_silence(where)
        code = {"working_dir": str(fingerprint.ROOT), "excludes": NOT_CODE}
        settings |= {"address": where, "runtime_env": code}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with quiet.stderr():
            ray.init(**settings)
    except (Exception, SystemExit) as error:
        reason = one_line(error)
        name = "A Ray on this machine" if where is None else f"Ray at {where}"
        raise InputError(
            f"{name} cannot be used ({reason}): start it as docs/scale.md says, correct {ADDRESS}, "
            "or use executor=local."
        ) from error
    signal.signal(signal.SIGTERM, handler)  # Ray's would end the command without a word


def _refuse_silence(where: str) -> None:
    """Raise InputError if no Ray answers at an address: Ray itself would wait for minutes."""
    if where == FIND:
        return
    host, _, port = where.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise InputError(
            f"{ADDRESS} is {where}: write HOST:PORT, the address that `ray start --head` printed."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_SECONDS) as line:
            if os.environ.get("RAY_USE_TLS", "0") == "0":
                line.settimeout(TIMEOUT_SECONDS)
                line.sendall(GREETING)
                if line.recv(9)[3:4] != bytes([SETTINGS]):
                    raise ConnectionError("the server there is not Ray's")
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise InputError(
            f"No Ray answers at {ADDRESS}={where} ({reason}): start it with `ray start --head`, "
            f"correct {ADDRESS}, or unset it to use this machine alone."
        ) from error


def nodes(without: Collection[str] = ()) -> list[Node]:
    """Return the nodes that are alive, except those `without` whose IDs are given."""
    return [
        Node(one["NodeID"], one["Resources"].get("CPU", 0), one["Resources"].get("GPU", 0))
        for one in library().nodes()
        if one["Alive"] and one["NodeID"] not in without
    ]


def described() -> str:
    """Return the line that describes the Ray that was started or joined."""
    found, where = nodes(), address()
    cpus, gpus = (int(sum(getattr(one, kind) for one in found)) for kind in ("cpus", "gpus"))
    parts = [count(len(found), "node"), count(cpus, "CPU")] + [count(gpus, "GPU")] * (gpus > 0)
    return f"Ray: {', '.join(parts)} {'on this machine' if where is None else f'at {where}'}"


def refuse_too_large(cpus: int, gpus: float) -> None:
    """Raise InputError if a run needs more than any node has: it would wait for ever."""
    for key, wanted in (("cpus", float(cpus)), ("gpus", gpus)):
        most = max((getattr(one, key) for one in nodes()), default=0)
        if wanted > most:
            raise InputError(
                f"Each run asks for {wanted:g} {key[:3].upper()}s ({key} in the file), but no node "
                f"of Ray has more than {most:g}: ask for fewer, or add a larger node."
            )
