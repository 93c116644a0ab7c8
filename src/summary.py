"""Show the result of `dvc repro`: the table that `make` ends with.

Reads:   the metrics in models/ and predictions/
Writes:  nothing

Examples:
  python -m src.summary  the scores of the model in models/
"""

from src.core import command_line, errors, paths
from src.evaluation import closing_table


def main() -> None:
    """Show the outcome of `dvc repro`."""
    closing_table.show(closing_table.read(paths.MODELS, paths.PREDICTIONS))


if __name__ == "__main__":
    command_line.parser("summary", __doc__).parse_args()
    errors.run(main)
