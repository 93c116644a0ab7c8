"""The code logged with a model: a fraction of src/, as a server takes 20 ms for each file."""

import ast
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]  # src/
PACKAGES = ("training", "serving")  # that load a model, and answer requests


@contextmanager
def copied() -> Iterator[Path]:
    """Yield a temporary folder `src` with the needed files."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / SOURCE.name
        for file in needed():
            target = copy / file.relative_to(SOURCE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        yield copy


def needed() -> list[Path]:
    """Return the files of PACKAGES and all of src/ that they import, even inside functions."""
    waiting = {file for package in PACKAGES for file in (SOURCE / package).rglob("*.py")}
    found: set[Path] = set()
    while waiting:
        found.add(file := waiting.pop())
        packages = [folder / "__init__.py" for folder in file.parents if SOURCE in folder.parents]
        waiting |= {SOURCE / "__init__.py", *packages, *_imported(file)} - found
    return sorted(found)


def _imported(file: Path) -> set[Path]:
    """Return the files of src/ that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    ours = (name.split(".")[1:] for name in names if name.split(".")[0] == SOURCE.name)
    places = (SOURCE.joinpath(*parts) for parts in ours)
    both = (file for place in places for file in (place.with_suffix(".py"), place / "__init__.py"))
    return {file for file in both if file.is_file()}
