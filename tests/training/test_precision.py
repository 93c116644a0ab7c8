import pytest
import tensorflow as tf

from src.core import hardware
from src.training import precision


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_policy_that_is_asked_for_is_taken(policy):
    assert precision.choose(policy) == policy


@pytest.mark.parametrize(
    ("vendor", "flags", "policy"),
    [
        ("AuthenticAMD", {"avx2"}, "float32"),
        ("AuthenticAMD", {"avx2", "avx512_bf16"}, "mixed_bfloat16"),
        ("GenuineIntel", {"avx512_bf16", "amx_bf16"}, "mixed_bfloat16"),
        ("GenuineIntel", {"avx2", "avx512_bf16"}, "float32"),  # no faster there
        ("", set(), "float32"),
    ],
)
def test_a_processor_decides_by_its_instruction_sets(vendor, flags, policy, monkeypatch):
    monkeypatch.setattr(precision, "GPU_DRIVERS", ())
    monkeypatch.setattr(hardware, "vendor", lambda: vendor)
    monkeypatch.setattr(hardware, "cpu_flags", lambda: flags)
    assert precision.choose("auto") == policy


@pytest.mark.parametrize(
    ("capabilities", "policy"),
    [
        ([(8, 0)], "mixed_bfloat16"),
        ([(9, 0), (7, 5)], "float32"),
        ([None], "float32"),
        ([], "float32"),  # a driver without a GPU leaves it to the processor
    ],
)
def test_gpus_decide_by_their_compute_capability(capabilities, policy, monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "GPU_DRIVERS", (tmp_path / "none", tmp_path))
    details = [{"compute_capability": one} if one else {} for one in capabilities]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: details)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: gpu)
    monkeypatch.setattr(hardware, "cpu_flags", lambda: {"avx512_bf16"})
    monkeypatch.setattr(hardware, "vendor", lambda: "GenuineIntel")
    assert precision.choose("auto") == policy
