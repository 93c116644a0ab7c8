"""The number format of a training: bfloat16 if the processor or the GPU is faster in it.

Of x86 processors those with AMX are, and AMD's with AVX-512. With Intel's AVX-512 alone, a step of
the default recipe takes 1.36 times as long (Emerald Rapids, AMX hidden by a virtual machine).
"""

from pathlib import Path
from typing import Any

from src.core import hardware, quiet

AUTO = "auto"
BFLOAT16 = "mixed_bfloat16"
AMX, AVX512 = "amx_bf16", "avx512_bf16"  # instruction sets
AMD = "AuthenticAMD"
GPU_CAPABILITY = (8, 0)  # NVIDIA Ampere
GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))  # Linux, and Linux inside Windows


def choose(wanted: str) -> str:
    """Return the Keras dtype policy for `precision=wanted`: `auto` becomes `mixed_bfloat16` if that
    is faster, else `float32`; weights are float32 in both.
    """
    if wanted != AUTO:
        return wanted
    fast = _gpus() or AMX in hardware.cpu_flags() or hardware.vendor() == AMD
    return BFLOAT16 if fast and has_bfloat16() else "float32"


def has_bfloat16() -> bool:
    """Return whether the GPUs, or without any the processor, have bfloat16."""
    gpus = _gpus()
    if gpus:
        return all(gpu.get("compute_capability", (0, 0)) >= GPU_CAPABILITY for gpu in gpus)
    return bool({AMX, AVX512} & hardware.cpu_flags())


def _gpus() -> list[dict[str, Any]]:
    """Return TensorFlow's details of each GPU; without a driver it is not imported."""
    if not any(path.exists() for path in GPU_DRIVERS):
        return []
    with quiet.stderr():
        import tensorflow as tf
    devices = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(device) for device in devices]
