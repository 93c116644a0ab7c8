"""Serve the champion, which `python -m src.promote best` chooses.

This is the scoring server of `mlflow models serve`, on this machine only, until
Ctrl-C; docs/serving.md describes other machines.

Reads:   the model digit-recognizer@champion of MLflow's registry
Writes:  nothing

Examples:
  python -m src.serve              at http://127.0.0.1:5002/invocations
  python -m src.serve --port 5012  if another program uses that port
"""

from collections.abc import Sequence

from src.core import command_line, errors, heavy_imports, local_server
from src.core.errors import InputError, one_line

EXAMPLE = "docs/example_digit.json"  # a request with one test image, a seven


def main(argv: Sequence[str] | None = None) -> None:
    """Claim the port, load the champion, and serve it."""
    parser = command_line.parser("serve", __doc__)
    parser.add_argument("--port", type=int, default=5002, help="default: %(default)s")
    port = parser.parse_args(argv).port
    listener = local_server.claim(port)

    heavy_imports.load()
    import mlflow
    from mlflow.pyfunc import scoring_server

    from src.tracking import champion, store

    version = champion.current(store.reader())
    if version is None:
        raise InputError(f"There is no champion to serve yet: {champion.HOW_TO}.")
    name = f"{champion.MODEL} version {version.version} ({version.tags.get('run_name')})"
    print(f"Loading {name} ...", flush=True)
    try:
        model = mlflow.pyfunc.load_model(champion.URI)
    except Exception as error:  # MLflow, Keras, the disk and the network each raise their own
        reason = f"{name} cannot be loaded ({one_line(error)}): promote another run."
        raise InputError(reason) from error
    address = f"http://{local_server.HOST}:{port}/invocations"
    curl = f"curl {address} -H 'Content-Type: application/json' -d @{EXAMPLE}"
    ready = f"Serving at {address}; Ctrl-C ends it. Try it:\n  {curl}"
    local_server.run(scoring_server.init(model), listener, lambda: print(ready, flush=True))


if __name__ == "__main__":
    errors.run(main)
