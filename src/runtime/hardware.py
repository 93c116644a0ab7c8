"""What the machine is, for whoever reads its times."""

import platform
from pathlib import Path


def processor(description: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name: the one that Linux tells, else the platform's."""
    try:
        lines = description.read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
