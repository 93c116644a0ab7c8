import os
import subprocess
import sys

import pytest

from src.runtime import process


def test_this_process_is_alive():
    assert process.is_alive(process.identity()) is True
    assert process.identity().startswith(f"{os.getpid()}-")


def test_a_process_that_has_ended_is_not(monkeypatch):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    _, started, machine = process.identity().split("-", 2)
    ended.wait()
    assert process.is_alive(f"{ended.pid}-{started}-{machine}") is False


def test_a_later_process_of_the_same_number_is_another():
    pid, started, machine = process.identity().split("-", 2)
    assert process.is_alive(f"{pid}-{int(started) - 500}-{machine}") is False


@pytest.mark.parametrize("identity", ["", "abc", "1-2", "1-x-here", "1-2-elsewhere"])
def test_of_another_machine_and_of_what_is_no_identity_nothing_is_told(identity):
    assert process.is_alive(identity) is None


def test_where_linux_tells_nothing_the_time_of_day_does(monkeypatch, tmp_path):
    monkeypatch.setattr(process, "PROC", tmp_path)
    assert process.is_alive(process.identity()) is True
    assert process.is_alive(f"{2**22}-1-{process._machine()}") is False
