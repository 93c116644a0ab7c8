"""The number format of a training: bfloat16 where the processor or the GPU computes in it."""

from pathlib import Path
from typing import Any

from src.runtime import quiet

AUTO = "auto"
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
GPU_CAPABILITY = (8, 0)  # NVIDIA Ampere
GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))  # Linux, and Linux inside Windows


def choose(wanted: str) -> str:
    """Return the Keras dtype policy for `precision=wanted`.

    `auto` becomes `mixed_bfloat16` where that is computed in hardware, else `float32`: emulated, it
    is slower. Weights are float32 in both.
    """
    if wanted != AUTO:
        return wanted
    gpus = _gpus()
    if gpus:
        native = all(gpu.get("compute_capability", (0, 0)) >= GPU_CAPABILITY for gpu in gpus)
    else:
        native = bool(CPU_FLAGS & cpu_flags())
    return "mixed_bfloat16" if native else "float32"


def _gpus() -> list[dict[str, Any]]:
    """Return what TensorFlow tells of each GPU; it is not imported where there can be none."""
    if not any(path.exists() for path in GPU_DRIVERS):
        return []
    with quiet.stderr():
        import tensorflow as tf
    devices = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(device) for device in devices]


def cpu_flags(description: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the instruction sets that Linux names; elsewhere an empty set."""
    try:
        lines = description.read_text().splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}
