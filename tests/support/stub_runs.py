"""Runs that train nothing, for tests of executors: a name's first word says how its run ends."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from src.runtime.errors import InputError


@dataclass(frozen=True)
class Stub:
    """In place of a `PlannedRun`; it prints its process."""

    name: str
    folder: Path
    composed: Any = field(default_factory=lambda: OmegaConf.create({"precision": "float32"}))
    tags: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)

    def announce(self) -> None:
        """Print nothing."""

    def execute(self) -> None:
        """End as the name says."""
        print(self.name, os.getpid(), os.environ.get("TF_NUM_INTRAOP_THREADS"), flush=True)
        end, _, more = self.name.partition(" ")
        tried = self.folder / "tried"
        first = not tried.exists()
        with tried.open("a") as file:
            file.write("x")
        if end == "fail":
            raise InputError("as it must.")
        if end == "break":
            raise ZeroDivisionError("a defect")
        if end == "die" or (end == "die_once" and first):
            os._exit(9)
        if end == "sleep":
            try:
                for _ in range(round(float(more) * 20)):  # Ray interrupts between two calls
                    time.sleep(0.05)
            except KeyboardInterrupt:
                (self.folder / "interrupted").touch()
                raise
