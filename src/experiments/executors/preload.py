"""Imports that a worker process is forked with (local.py); a run that needs a failed one fails."""

from contextlib import suppress

with suppress(Exception):
    from src.core import heavy_imports

    heavy_imports.load()
    from src.experiments import train_run  # noqa: F401
    from src.tracking import run_logger  # noqa: F401
