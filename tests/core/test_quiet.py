import os
from pathlib import Path

import pytest

from src.core import quiet


def test_standard_error_of_native_code_is_discarded_inside_the_block_only(capfd):
    os.write(2, b"before ")
    with quiet.stderr():
        os.write(2, b"inside ")
        os.write(1, b"a result")
    os.write(2, b"after")
    assert capfd.readouterr() == ("a result", "before after")


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
