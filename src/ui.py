"""Show the runs in MLflow's pages, on this machine only, until Ctrl-C.

If MLFLOW_TRACKING_URI names a server, print the address of the runs there.

Reads:   params.yaml, and the runs in MLflow
Writes:  a view of the runs in MLflow, saved once

Examples:
  python -m src.ui              at http://127.0.0.1:5001
  python -m src.ui --port 5055  if another program uses that port
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress

from src.config import compose
from src.core import command_line, errors, local_server
from src.core.errors import InputError
from src.core.local_server import HOST

PORT = 5001  # 5000 is AirPlay's on a Mac
POLL_SECONDS = 0.25
GRACE_SECONDS = 10
SERVER = ("-m", "mlflow", "server", "--workers", "1", "--uvicorn-opts", "--log-level error")
QUICK = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # several processes that nothing here uses
    "PYTHONWARNINGS": "ignore",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Print where the runs are; serve them there, unless a server does."""
    parser = command_line.parser("ui", __doc__)
    parser.add_argument("--port", type=int, default=PORT, help="default: %(default)s")
    port = parser.parse_args(argv).port
    is_remote = os.environ.get("MLFLOW_TRACKING_URI", "").startswith(("http://", "https://"))
    if not is_remote:
        local_server.claim(port).close()  # MLflow's server opens it later
    experiment = compose.compose().mlflow.experiment

    from src.tracking import store, views  # MLflow: after the checks

    client = store.reader()
    page = ""  # the address of the table of the experiment's runs, from the # on
    if found := client.get_experiment_by_name(experiment):
        if not is_remote:
            views.offer_runs(client, found.experiment_id)
        has_view = not is_remote or views.TAG + views.RUNS in found.tags
        table = f"#/experiments/{found.experiment_id}/runs"
        page = views.runs_link(found.experiment_id) if has_view else table
    if is_remote:
        print(f"The runs are at {client.tracking_uri.rstrip('/')}/{page}")
    else:
        _serve(client.tracking_uri, port, page)


def _serve(store_uri: str, port: int, page: str) -> None:
    """Run MLflow's server until Ctrl-C or SIGTERM."""
    print("MLflow is starting ...", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(
        [sys.executable, *SERVER, "--host", HOST, "--port", str(port)],
        # The URI may hold a password, which an argument would show to all users.
        env={**os.environ, **QUICK, "MLFLOW_BACKEND_STORE_URI": store_uri},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process, which then ends all of the server's
    )
    try:
        while server.poll() is None:  # until it answers
            with suppress(OSError):
                urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5).close()
                break
            time.sleep(POLL_SECONDS)
        print(f"The runs are at http://{HOST}:{port}/{page}\nCtrl-C ends it.", flush=True)
        server.wait()
        raise InputError(f"MLflow's server ended unexpectedly (status {server.returncode}).")
    except KeyboardInterrupt:
        print("MLflow has ended.")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C: it is already ending
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(server.pid, number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(GRACE_SECONDS)


if __name__ == "__main__":
    errors.run(main)
