import os
from pathlib import Path

import pytest

from src.core import quiet


def test_standard_error_of_native_code_is_discarded_inside_the_block_only(capfd):
    before = len(list(Path("/dev/fd").iterdir()))
    os.write(2, b"before ")
    with pytest.raises(RuntimeError, match="heard"), quiet.stderr():  # noqa: PT012
        os.write(2, b"inside ")
        os.write(1, b"a result")
        raise RuntimeError("heard")
    os.write(2, b"after")
    assert capfd.readouterr() == ("a result", "before after")
    assert len(list(Path("/dev/fd").iterdir())) == before
