"""Open a page to draw a digit on, and have several models read it side by side.

Usage: python -m src.demo [--study NAME] [--port 5003]

It shows the champion (`python -m src.promote best` chooses it) and the best run of each level of a
study or multirun, at http://127.0.0.1:5003, on this machine alone and without the internet.
"""

from collections.abc import Sequence

from src.runtime import command_line, errors, heavy_imports, local_server


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command with the arguments `argv` (default: the process's own).

    Raises:
        InputError: there is no model, no such study, or the port is taken.
    """
    parser = command_line.parser(
        "demo",
        "Open a page to draw a digit on, and have the champion and the models of a study read it "
        "side by side, on this machine only, until Ctrl-C.",
        reads="the runs and models that MLflow has, and data/processed/test.npz",
        writes="nothing",
        examples={
            "": "the newest study, on port 5003",
            "--study optimizer": "AdamW, Adam and SGD",
        },
    )
    parser.add_argument(
        "--study",
        metavar="NAME|RUN_ID",
        help="whose models to show, the best of each level (default: the newest study or multirun)",
    )
    parser.add_argument("--port", type=int, default=5003, help="default: %(default)s")
    given = parser.parse_args(argv)
    listener = local_server.claim(given.port)

    heavy_imports.load()
    from src.analysis import load_runs
    from src.demo_page import app, held_out, readers, verdict
    from src.tracking import store

    client = store.reader()
    lineup = readers.find(client, given.study)
    names = ", ".join(reader.name for reader in lineup.readers)
    print(f"Loading {names} ...", flush=True)
    shown = app.Shown(
        models=[(reader, readers.load(reader)) for reader in lineup.readers],
        factor=lineup.factor,
        tests=held_out.load(client, lineup.readers),
        caption=verdict.caption(lineup.study, lineup.factor),
        dataset=load_runs.dataset_of(lineup.readers[0].run),
    )
    told = f"Draw a digit at http://{local_server.HOST}:{given.port} (Ctrl-C ends it)."
    local_server.run(app.make(shown), listener, lambda: print(told, flush=True))


if __name__ == "__main__":
    errors.run(main)
