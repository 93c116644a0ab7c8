import platform

import pytest

from src.runtime import hardware


def test_the_processor_has_the_name_that_linux_tells(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("flags\t: fpu\nmodel name\t: Some Processor 9\nmodel name\t: Another\n")
    assert hardware.processor(file) == "Some Processor 9"


@pytest.mark.parametrize(
    ("text", "processor", "name"),
    [("flags: fpu\n", "x86", "armv9"), (None, "x86", "x86"), (None, "", "armv9")],
)
def test_where_linux_names_none_the_platform_does(tmp_path, monkeypatch, text, processor, name):
    monkeypatch.setattr(platform, "processor", lambda: processor)
    monkeypatch.setattr(platform, "machine", lambda: "armv9")
    file = tmp_path / "cpuinfo"
    if text:
        file.write_text(text)
    assert hardware.processor(file) == name
