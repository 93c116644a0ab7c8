import os
from pathlib import Path

import pytest

from src.runtime import quiet


def test_what_native_code_writes_is_silent_inside_and_heard_after(capfd):
    os.write(2, b"before ")
    with quiet.stderr():
        os.write(2, b"inside ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_standard_output_is_left_alone(capfd):
    with quiet.stderr():
        os.write(1, b"a result")
    assert capfd.readouterr().out == "a result"


def test_an_exception_passes_and_gives_standard_error_back(capfd):
    with pytest.raises(RuntimeError, match="heard"), quiet.stderr():
        raise RuntimeError("heard")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_no_file_stays_open():
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        with quiet.stderr():
            pass
    assert len(list(Path("/dev/fd").iterdir())) == before
