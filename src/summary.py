"""The table that `make` ends with."""

import sys
from collections.abc import Sequence

from src.evaluation import closing_table
from src.runtime import errors, paths
from src.runtime.command_line import no_arguments


def main(argv: Sequence[str] = ()) -> None:
    """Show what `dvc repro` made."""
    no_arguments(
        "summary",
        "Show what `dvc repro` made: the table that `make` ends with.",
        argv,
        reads="the metrics in models/ and predictions/",
        writes="nothing",
        example="the scores of the model in models/",
    )
    closing_table.show(paths.MODELS, paths.PREDICTIONS)


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))
