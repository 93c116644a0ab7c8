"""The number format of a training: bfloat16 where the processor or the GPU computes in it."""

from pathlib import Path
from typing import Any

from src.runtime import hardware, quiet

AUTO = "auto"
BFLOAT16 = "mixed_bfloat16"
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
    return BFLOAT16 if has_bfloat16() else "float32"


def has_bfloat16() -> bool:
    """Return whether the GPUs, or without any the processor, compute in bfloat16."""
    gpus = _gpus()
    if gpus:
        return all(gpu.get("compute_capability", (0, 0)) >= GPU_CAPABILITY for gpu in gpus)
    return bool(CPU_FLAGS & hardware.cpu_flags())


def _gpus() -> list[dict[str, Any]]:
    """Return what TensorFlow tells of each GPU; it is not imported where there can be none."""
    if not any(path.exists() for path in GPU_DRIVERS):
        return []
    with quiet.stderr():
        import tensorflow as tf
    devices = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(device) for device in devices]
