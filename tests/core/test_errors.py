import errno
import subprocess
import sys
import zlib

import pytest

from src.core import errors
from tests.support.commands import ROOT
from tests.support.refusal import refusal


def failing(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (
            errors.InputError("x=3 is odd: use an even number."),
            1,
            "Error: x=3 is odd: use an even number.",
        ),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
def test_a_mistake_and_ctrl_c_are_one_sentence_and_a_status(capsys, error, status, said):
    with pytest.raises(SystemExit) as left:
        errors.run(failing(error))
    assert left.value.code == status
    assert capsys.readouterr() == ("", f"{said}\n")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "Cannot write{path}: no space left on device. Make room or allow writing"),
        (errno.EDQUOT, "Cannot write{path}: disk quota exceeded. Make room or allow writing"),
        (errno.EROFS, "Cannot write{path}: read-only file system. Make room or allow writing"),
        (errno.EACCES, "Cannot use{path}: permission denied. Allow reading and writing"),
        (errno.EPERM, "Cannot use{path}: operation not permitted. Allow reading and writing"),
    ],
)
def test_a_disk_that_cannot_be_used_is_a_sentence_with_the_file(capsys, number, said):
    assert number in errors.DISK
    with pytest.raises(SystemExit) as left:
        errors.run(failing(OSError(number, "as the system says", "data/raw/train.csv")))
    assert left.value.code == 1
    end = "there, then run the same command again."
    named, unnamed = (said.format(path=path) for path in (" data/raw/train.csv", ""))
    assert capsys.readouterr().err == f"Error: {named} {end}\n"
    if number == errno.ENOSPC:
        assert errors.sentence(OSError(number, "")) == f"{unnamed} {end}"


def test_a_failed_run_is_reported_with_its_traceback_only_if_the_error_is_internal(capsys):
    assert errors.report(errors.InputError("x is odd.")) == "x is odd."
    assert capsys.readouterr() == ("", "")
    assert errors.report(ValueError("odd")) == "ValueError: odd"
    assert capsys.readouterr().err == "ValueError: odd\n"


def test_a_reason_is_quoted_in_one_printable_line_without_password_and_full_stop():
    said = "a\n  b\x1b http://me:hush@host. "
    assert errors.one_line(said) == "a b\N{REPLACEMENT CHARACTER} http://***@host"
    assert errors.one_line("x" * 400) == "x" * 300


@pytest.mark.parametrize("error", [RuntimeError("ours"), OSError(errno.EBADF, "ours")], ids=repr)
def test_an_internal_error_keeps_its_traceback(error):
    with pytest.raises(type(error), match="ours"):
        errors.run(failing(error))


@pytest.mark.parametrize(
    ("found", "said"), [("swihs", "Did you mean 'swish'? "), ("zzz", ""), ("", "")]
)
def test_the_nearest_known_name_is_offered_if_one_is_near(found, said):
    assert errors.did_you_mean(found, ["relu", "swish"]) == said


@pytest.mark.parametrize("command", ["train", "report"])
def test_help_survives_a_reader_that_has_seen_enough(command):
    words = [sys.executable, "-m", f"src.{command}", "--help"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(words, cwd=ROOT, **pipes)
    process.stdout.close()  # before anything is written
    assert process.stderr.read() == b""
    assert process.wait(60) in (0, 141)  # argparse itself may have dropped the text


@pytest.mark.parametrize(
    "uri", ["http://anna:s3cret@host:5000/x", "postgresql://anna:s3/c@ret@host/db", "s3://k:s@b/c"]
)
def test_a_uri_is_shown_without_user_and_password(uri):
    text = errors.without_password(f"It is {uri}.")
    assert "//***@" in text
    assert "anna" not in text
    assert "s3c" not in text


def parse(error, *more):
    with errors.parsing("models/a.json", "run it again.", *more):
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


DISKS = [OSError(number, "disk") for number in errors.DISK]


PASS = [errors.InputError("Mine."), *DISKS, KeyboardInterrupt(), SystemExit(3)]


@pytest.mark.parametrize("error", PASS)
def test_a_sentence_of_the_blocks_own_the_disks_errors_and_interruptions_pass(error):
    with pytest.raises(type(error)) as caught:
        parse(error)
    assert caught.value is error
