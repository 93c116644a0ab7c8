"""What the machine is: the processor's name and maker, and the instruction sets that it has."""

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")  # Linux's; elsewhere there is none


def processor(description: Path = CPUINFO) -> str:
    """Return the processor's name: the one that Linux tells, else the platform's."""
    names = _values("model name", description)
    return names[0] if names else platform.processor() or platform.machine()


def vendor(description: Path = CPUINFO) -> str:
    """Return the processor's maker as Linux tells it, e.g. GenuineIntel; elsewhere ""."""
    return next(iter(_values("vendor_id", description)), "")


def cpu_flags(description: Path = CPUINFO) -> set[str]:
    """Return the instruction sets that Linux names; elsewhere an empty set."""
    return {flag for flags in _values("flags", description) for flag in flags.split()}


def _values(field: str, description: Path) -> list[str]:
    """Return what /proc/cpuinfo says under a field, once per core."""
    try:
        lines = description.read_text().splitlines()
    except OSError:
        return []
    pairs = (line.partition(":") for line in lines)
    return [value.strip() for name, _, value in pairs if name.strip() == field]
