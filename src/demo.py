"""Open a page to draw a digit on and have several models read it side by side.

The page shows the champion (see `python -m src.promote --help`) and the best
run of each level of a study. It is served on this machine only, until Ctrl-C,
and needs no internet.

Reads:   the runs and models in MLflow, and data/processed/test.npz
Writes:  nothing

Examples:
  python -m src.demo                    the newest study, on port 5003
  python -m src.demo --study optimizer  AdamW, Adam and SGD
"""

from collections.abc import Sequence

from src.core import command_line, errors, heavy_imports, local_server


def main(argv: Sequence[str] | None = None) -> None:
    """Claim the port, load the models, and serve the page."""
    parser = command_line.parser("demo", __doc__)
    of_study = "show the best model of each of its levels (default: the newest study or multirun)"
    parser.add_argument("--study", metavar="NAME|RUN_ID", help=of_study)
    parser.add_argument("--port", type=int, default=5003, help="default: %(default)s")
    args = parser.parse_args(argv)
    listener = local_server.claim(args.port)

    heavy_imports.load()
    from src.analysis import load_runs
    from src.demo_page import app, held_out, readers
    from src.tracking import store

    client = store.reader()
    found, study, factor = readers.find(client, args.study)
    print(f"Loading {', '.join(reader.name for reader in found)} ...", flush=True)
    page = app.Page(
        models=[(reader, readers.load(reader)) for reader in found],
        factor=factor,
        tests=held_out.load(client, found),
        caption=readers.caption(study, factor),
        dataset=load_runs.dataset_of(found[0].run),
    )
    ready = f"Draw a digit at http://{local_server.HOST}:{args.port} (Ctrl-C ends it)."
    local_server.run(app.create(page), listener, lambda: print(ready, flush=True))


if __name__ == "__main__":
    errors.run(main)
