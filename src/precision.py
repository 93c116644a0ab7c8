"""The number format of a training: bfloat16 where the processor or the GPU computes in it."""

from pathlib import Path

import tensorflow as tf

AUTO = "auto"
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
GPU_CAPABILITY = (8, 0)  # NVIDIA Ampere


def choose(wanted: str) -> str:
    """Return the Keras dtype policy for `precision=wanted`.

    `auto` becomes `mixed_bfloat16` where that is computed in hardware, else `float32`: emulated, it
    is slower. Weights are float32 in both.
    """
    if wanted != AUTO:
        return wanted
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        native = all(one.get("compute_capability", (0, 0)) >= GPU_CAPABILITY for one in details)
    else:
        native = bool(CPU_FLAGS & cpu_flags())
    return "mixed_bfloat16" if native else "float32"


def cpu_flags(description: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the instruction sets that Linux names; elsewhere an empty set."""
    try:
        lines = description.read_text().splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}
