"""Optuna's dashboard over a search, as MLflow has it: a mirror in memory, brought up to date."""

import json
import threading
from dataclasses import replace
from errno import EADDRINUSE
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from mlflow import MlflowClient

from src.config.search_file import Search
from src.runtime.errors import InputError
from src.tracking import run_search, run_tags, store
from src.tuning import sampling
from src.tuning.trials import Record

HOST, PORT = "127.0.0.1", 8080
LOOK_SECONDS = 10


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing of a request."""


def serve(name: str, search: Search, experiment: str, port: int = PORT) -> None:
    """Serve the dashboard of the latest search of that name, until Ctrl-C.

    Args:
        name: of the search.
        search: as its file has it.
        experiment: of MLflow, that it is in.
        port: of 127.0.0.1; nobody else on the network can reach it.

    Raises:
        InputError: optuna-dashboard is not installed, the store has no such search, or the port is
            taken.
    """
    wsgi = _library()
    client = store.reader()
    parent_id, search = latest(client, experiment, name, search)
    record = Record(client, parent_id)
    study = sampling.mirror(name, search, record.trials())
    try:
        server = make_server(HOST, port, wsgi(study._storage), handler_class=_Quiet)
    except OSError as error:
        if error.errno != EADDRINUSE:
            raise
        raise InputError(
            f"Port {port} of {HOST} is taken: end what runs there, or give another with --port."
        ) from error
    print(f"Search {name}: http://{HOST}:{port}/dashboard; Ctrl-C ends it.", flush=True)
    ended = threading.Event()
    arguments = (study, search, record, ended)
    threading.Thread(target=_keep_up, args=arguments, daemon=True).start()
    with server:
        try:
            server.serve_forever()
        finally:
            ended.set()


def _library() -> Any:
    try:
        from optuna_dashboard import wsgi
    except ImportError as error:
        raise InputError(
            "--dashboard needs optuna-dashboard, which is not installed: run `make .venv/cluster` "
            "(the extra dashboard), or look at the search's figures in MLflow (`make ui`)."
        ) from error
    return wsgi


def latest(client: MlflowClient, experiment: str, name: str, search: Search) -> tuple[str, Search]:
    """Return the run of the latest search of that name, and the search as it was made.

    Raises:
        InputError: there is none.
    """
    found = client.get_experiment_by_name(experiment)
    named = (
        run_search.every_run(
            client,
            [found.experiment_id],
            f"tags.{run_tags.SEARCH} = '{name}'",
            order_by=run_search.NEWEST_FIRST,
        )
        if found
        else ()
    )
    for run in named:
        if run_tags.SEARCH_DEFINITION in run.data.tags and run_tags.SEARCH_LEVEL not in (
            run.data.tags
        ):
            made = json.loads(run.data.tags[run_tags.SEARCH_DEFINITION])
            return run.info.run_id, replace(search, space=made["space"])
    raise InputError(
        f"MLflow has no search {name} yet: begin it with `python -m src.search {name}`."
    )


def _keep_up(study: Any, search: Search, record: Record, ended: threading.Event) -> None:
    """Bring the mirror up to date every now and then."""
    while not ended.wait(LOOK_SECONDS):
        try:
            sampling.refresh(study, search, record.trials())
        except store.AWAY:  # it may answer again
            continue
