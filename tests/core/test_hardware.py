import platform

import pytest

from src.core import hardware


@pytest.mark.parametrize(
    ("text", "processor", "name"),
    [
        (
            "flags\t: fpu\nmodel name\t: My Processor 9\nmodel name\t: Another\n",
            "",
            "My Processor 9",
        ),
        ("flags: fpu\n", "x86", "x86"),
        (None, "x86", "x86"),
        (None, "", "armv9"),
    ],
)
def test_linux_or_else_the_platform_names_the_processor(
    tmp_path, monkeypatch, text, processor, name
):
    monkeypatch.setattr(platform, "processor", lambda: processor)
    monkeypatch.setattr(platform, "machine", lambda: "armv9")
    file = tmp_path / "cpuinfo"
    if text:
        file.write_text(text)
    assert hardware.processor(file) == name


def test_the_maker_and_the_flags_are_those_of_proc_cpuinfo(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("vendor_id\t: Maker\nflags\t\t: fpu avx512_bf16\nbugs\t\t: spectre\n")
    assert hardware.vendor(file) == "Maker"
    assert hardware.cpu_flags(file) == {"fpu", "avx512_bf16"}
    none = tmp_path / "none"
    assert (hardware.vendor(none), hardware.cpu_flags(none)) == ("", set())
