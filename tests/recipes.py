"""Configurations for the tests."""

from src import config
from src.config import compose

__all__ = ["TINY", "compose", "names"]

# Small enough for a training of a second, whatever else is chosen.
TINY = ("model=mlp", "model.units=[8]", "epochs=2", "batch_size=64")


def names(group: str) -> list[str]:
    """Return what can be chosen in a group: the files of conf/<group>/, without .yaml."""
    return sorted(path.stem for path in (config.CONF / group).glob("*.yaml"))
