"""Show the result of `dvc repro`: the table that `make` ends with.

Reads:   the metrics in models/ and predictions/
Writes:  nothing

Examples:
  python -m src.summary  the scores of the model in models/
"""

import sys
from collections.abc import Sequence

from src.evaluation import closing_table
from src.runtime import command_line, errors, paths


def main(argv: Sequence[str] = ()) -> None:
    """Show the outcome of `dvc repro`."""
    command_line.parser("summary", __doc__).parse_args(argv)
    closing_table.show(closing_table.read(paths.MODELS, paths.PREDICTIONS))


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))
