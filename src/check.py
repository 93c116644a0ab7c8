"""Before all stages: check every choice and value, and note which files fetch will copy.

    python -m src.check

Reads params.yaml and conf/. Writes data/source.json: the SHA-256 of each file that fetch.path has
for fetch.source=files. DVC cannot watch a folder that a parameter names, but it runs this command
at every start, before it deletes or makes anything, and fetch again if those files have changed.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from src.config import compose
from src.runtime import errors, paths
from src.runtime.atomic_write import writing
from src.runtime.checksum import sha256
from src.runtime.command_line import no_arguments
from src.runtime.errors import InputError


def main(argv: Sequence[str] = ()) -> None:
    """Refuse what cannot be used, and write data/source.json."""
    no_arguments("check", str(__doc__), argv)
    fetch = compose.stage("fetch")
    compose.stage("preprocess")
    compose.compose()
    found = checksums(Path(fetch.path)) if fetch.source == "files" and fetch.path else {}
    with writing(paths.SOURCE) as [file]:
        file.write_text(json.dumps(found, indent=2) + "\n")


def checksums(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that fetch may read, by name.

    Args:
        path: an archive, or a folder, in which only archives and the CSVs count.

    Raises:
        InputError: there is nothing at `path`.
    """
    if not path.exists():
        raise InputError(
            f"fetch.path={path} does not exist: set it in params.yaml to the folder (or the zip "
            "archive) with train.csv and test.csv."
        )
    files = [path] if path.is_file() else sorted(path.iterdir())
    kinds = {".csv", ".gz", ".zip"}
    return {file.name: sha256(file) for file in files if file.is_file() and file.suffix in kinds}


if __name__ == "__main__":
    errors.run(lambda: main(sys.argv[1:]))
