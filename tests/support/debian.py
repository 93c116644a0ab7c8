"""Installs Debian's packages for a test."""

import os
import shutil
import subprocess


def install(*packages: str) -> str:
    """Install packages; return why that failed, or "" if it did not or was not tried."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return ""
    for words in (["update"], ["install", "-y", "-q", *packages]):
        done = subprocess.run(
            ["apt-get", *words],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            timeout=900,
        )
    return done.stderr if done.returncode else ""
