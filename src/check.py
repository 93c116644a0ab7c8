"""Before all stages: check every choice and value, and note which files fetch will copy.

DVC cannot watch a folder that a parameter names, but it runs this command at every start, before it
deletes or makes anything, and fetch again if those files have changed.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from src.config import compose
from src.data import csv_files
from src.runtime import errors, paths
from src.runtime.atomic_write import writing
from src.runtime.command_line import no_arguments


def main(argv: Sequence[str] = ()) -> None:
    """Refuse what cannot be used, and write data/source.json."""
    no_arguments(
        "check",
        "Before all stages: check every choice and value, and note which files fetch will copy.",
        argv,
        reads="params.yaml and conf/; with fetch.source=files, the files in fetch.path",
        writes="data/source.json: the SHA-256 of each of these files",
        example="says what is wrong in params.yaml, if anything is",
    )
    fetch = compose.stage("fetch")
    compose.stage("preprocess")
    compose.compose()
    found = csv_files.checksums(Path(fetch.path)) if fetch.source == "files" and fetch.path else {}
    with writing(paths.SOURCE) as [file]:
        file.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))
