"""The processor's name, maker and instruction sets."""

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")  # Linux only


def processor(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name: Linux's, else the platform's."""
    names = _values("model name", cpuinfo)
    return names[0] if names else platform.processor() or platform.machine()


def vendor(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's maker, e.g. GenuineIntel; "" on other systems than Linux."""
    return next(iter(_values("vendor_id", cpuinfo)), "")


def cpu_flags(cpuinfo: Path = CPUINFO) -> set[str]:
    """Return the names of the instruction sets; none on other systems than Linux."""
    return {flag for flags in _values("flags", cpuinfo) for flag in flags.split()}


def _values(field: str, cpuinfo: Path) -> list[str]:
    """Return a field's value for each core."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return []
    pairs = (line.partition(":") for line in lines)
    return [value.strip() for name, _, value in pairs if name.strip() == field]
