"""The table that `make` ends with.

    python -m src.summary

Reads the metrics in models and predictions, and writes nothing.
"""

import sys
from collections.abc import Sequence

from src.evaluation import closing_table
from src.runtime import errors, paths
from src.runtime.command_line import no_arguments


def main(argv: Sequence[str] = ()) -> None:
    """Show what `dvc repro` made."""
    no_arguments("summary", str(__doc__), argv)
    closing_table.show(paths.MODELS, paths.PREDICTIONS)


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))
