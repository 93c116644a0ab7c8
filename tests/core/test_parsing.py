import errno
import zlib

import pytest

from src.core.errors import DISK, InputError
from src.core.parsing import parsing
from tests.support.refusal import refusal


def parse(error, *more):
    with parsing("models/a.json", "run it again.", *more):
        raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("line 1\n  of 2"), "line 1 of 2"),
        (zlib.error("Error -3"), "Error -3"),
        (NotImplementedError("compression type 9"), "compression type 9"),
        (ValueError("a\0b\x1b[31m"), "a\ufffdb\ufffd[31m"),
        (MemoryError(), "MemoryError"),
        (OSError(errno.EINVAL, "Invalid argument"), "[Errno 22] Invalid argument"),
    ],
)
def test_whatever_a_parser_raises_is_one_sentence(error, reason):
    expected = f"models/a.json cannot be read ({reason}), expected an object: run it again."
    assert refusal(parse, error, "an object") == expected


DISKS = [OSError(number, "disk") for number in DISK]


@pytest.mark.parametrize("error", [InputError("Mine."), *DISKS, KeyboardInterrupt(), SystemExit(3)])
def test_a_sentence_of_the_blocks_own_the_disks_errors_and_interruptions_pass(error):
    with pytest.raises(type(error)) as caught:
        parse(error)
    assert caught.value is error
