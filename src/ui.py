"""Show the runs in MLflow's pages.

    python -m src.ui [--port 5001]

Serves the store of this folder, on this machine only, until Ctrl-C. Where MLFLOW_TRACKING_URI names
a server, it prints the address of the runs there instead.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from src.config import compose
from src.runtime import command_line, errors
from src.runtime.errors import InputError
from src.runtime.local_server import HOST

PORT = 5001  # 5000 is AirPlay's on a Mac
PAUSE_SECONDS = 0.25
GRACE_SECONDS = 10
SERVER = ("-m", "mlflow", "server", "--workers", "1", "--uvicorn-opts", "--log-level error")
QUICK = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # several processes that nobody here asks for
    "PYTHONWARNINGS": "ignore",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: the port is taken, there are no runs yet, or the store cannot be used.
    """
    port = _arguments(argv).port
    away = os.environ.get("MLFLOW_TRACKING_URI", "").startswith(("http://", "https://"))
    if not away:
        _refuse_taken(port)
    experiment = compose.compose().mlflow.experiment

    from src.tracking import store  # MLflow: after the checks

    client = store.reader()
    page = _page(client, experiment, ours=not away)
    if away:
        print(f"The runs are at {client.tracking_uri.rstrip('/')}/{page}")
    else:
        _serve(client.tracking_uri, port, page)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_line.parser(
        "ui",
        "Show the runs in MLflow's pages, on this machine only, until Ctrl-C. Where "
        "MLFLOW_TRACKING_URI names a server, print the address of the runs there instead.",
        reads="params.yaml, and the runs that MLflow has",
        writes="a view of the runs in MLflow, saved once",
        examples={
            "": f"at http://{HOST}:{PORT}",
            "--port 5055": "where another program has that port",
        },
    )
    parser.add_argument("--port", type=int, default=PORT, help="of this machine (default: 5001)")
    found = parser.parse_args(argv)
    if not 0 < found.port < 65536:
        parser.error(f"--port is {found.port}, expected a number from 1 to 65535.")
    return found


def _refuse_taken(port: int) -> None:
    """Refuse a port that another program listens at.

    Raises:
        InputError: it is taken, or this user may not have it.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"Port {port} cannot be used ({os.strerror(error.errno or 0).lower()}), perhaps "
                f"because MLflow is open already: see http://{HOST}:{port}, or choose another, "
                "for instance `make ui PORT=5055`."
            ) from error


def _page(client: Any, experiment: str, *, ours: bool) -> str:
    """Return the address of the table of an experiment's runs, from the # on; empty if there is no
    such experiment yet.

    Args:
        client: of the store.
        experiment: its name.
        ours: whether the table may be saved there.
    """
    from src.tracking import views

    found = client.get_experiment_by_name(experiment)
    if found is None:
        return ""
    if ours:
        views.offer_runs(client, found.experiment_id)
    elif views.TAG + views.RUNS not in found.tags:
        return f"#/experiments/{found.experiment_id}/runs"
    return views.runs_link(found.experiment_id)


def _serve(store: str, port: int, page: str) -> None:
    """Run MLflow's server until Ctrl-C or SIGTERM.

    Args:
        store: the URI of its store, which may hold a password: it is not an argument.
        port: where it listens.
        page: what to open, from the # on.

    Raises:
        InputError: the server ended by itself.
    """
    print("MLflow is starting ...", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = [sys.executable, *SERVER, "--host", HOST, "--port", str(port)]
    variables: Mapping[str, str] = {**os.environ, **QUICK, "MLFLOW_BACKEND_STORE_URI": store}
    # In a session of its own: Ctrl-C is for this process, which then ends all of the server's.
    server = subprocess.Popen(
        command,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(server, port)
        print(f"The runs are at http://{HOST}:{port}/{page}\nCtrl-C ends it.", flush=True)
        server.wait()
        raise InputError(f"MLflow's server ended by itself (status {server.returncode}).")
    except KeyboardInterrupt:
        print("MLflow has ended.")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C: it is ending already
        _end(server)


def _wait(server: subprocess.Popen, port: int) -> None:
    """Return when the server answers, or has ended."""
    while server.poll() is None:
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5).close()
            return
        time.sleep(PAUSE_SECONDS)


def _end(server: subprocess.Popen) -> None:
    """End the server with all its processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_SECONDS)


if __name__ == "__main__":
    errors.run(main)
