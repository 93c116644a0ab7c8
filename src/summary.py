"""The table that `make` ends with.

python -m src.summary
"""

from src.evaluation import closing_table
from src.runtime import errors, paths


def main() -> None:
    """Show what `dvc repro` made."""
    closing_table.show(paths.MODELS, paths.PREDICTIONS)


if __name__ == "__main__":
    errors.run(main)
