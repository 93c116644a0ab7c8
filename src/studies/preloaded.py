"""What a worker's process has imported before it is forked (`src.studies.executors.local`):
importing this module imports it. A mistake in it is told by the run that meets it.
"""

from contextlib import suppress

with suppress(Exception):
    from src.runtime import heavy_imports

    heavy_imports.load()
    from src.studies import training_run  # noqa: F401
    from src.tracking import run_logger  # noqa: F401
