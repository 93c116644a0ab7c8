"""Serve the champion, digit-recognizer@champion in MLflow's registry, on this machine.

Usage: python -m src.serve [--port 5002]

It is MLflow's own scoring server, as `mlflow models serve` starts it, on 127.0.0.1 alone; see
docs/serving.md for other machines.
"""

from collections.abc import Sequence

from src.runtime import command_line, errors, heavy_imports, local_server
from src.runtime.errors import InputError

EXAMPLE = "docs/example_digit.json"  # a request with one test image, a seven


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: there is no champion, it cannot be loaded, or the port is taken.
    """
    parser = command_line.parser(
        "serve",
        "Serve the champion, which `python -m src.promote best` chooses, on this machine only, "
        "until Ctrl-C.",
        reads="the model digit-recognizer@champion of MLflow's registry",
        writes="nothing",
        examples={
            "": "at http://127.0.0.1:5002/invocations",
            "--port 5012": "where another program has that port",
        },
    )
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
    except Exception as error:  # of MLflow, Keras, the disk or the network, each with its own
        raise InputError(
            f"{name} cannot be loaded ({' '.join(str(error).split())[:200]}): promote another run."
        ) from error
    address = f"http://{local_server.HOST}:{port}/invocations"
    curl = f"curl {address} -H 'Content-Type: application/json' -d @{EXAMPLE}"
    told = f"It answers at {address}; Ctrl-C ends it. Ask it:\n  {curl}"
    local_server.run(scoring_server.init(model), listener, lambda: print(told, flush=True))


if __name__ == "__main__":
    errors.run(main)
