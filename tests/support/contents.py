"""Every file below a folder, to compare before and after a refused command."""

from pathlib import Path


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return the bytes of every file below, and None for every folder, by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
