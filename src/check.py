"""Before all stages: check every choice and value, and record the input files.

DVC cannot watch a folder that a parameter names. But it runs this command at
every start, before any stage, and fetches again if the recorded files changed.

Reads:   params.yaml and conf/; with fetch.source=files, the files in fetch.path
Writes:  data/source.json, the SHA-256 of each of these files

Examples:
  python -m src.check  reports any mistake in params.yaml
"""

import json
from pathlib import Path

from src.config import compose
from src.config.schema import Fetch, Preprocess
from src.core import command_line, errors, paths
from src.core.atomic_write import writing
from src.data import csv_files


def main() -> None:
    """Check the configuration, and write data/source.json."""
    fetch = compose.stage(Fetch)
    compose.stage(Preprocess)
    compose.compose()
    found = csv_files.checksums(Path(fetch.path)) if fetch.source == "files" and fetch.path else {}
    with writing(paths.SOURCE) as [file]:
        file.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    command_line.parser("check", __doc__).parse_args()
    errors.run(main)
