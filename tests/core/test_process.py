import os
import socket
import subprocess

import pytest

from src.core import process


def test_a_process_that_has_ended_is_not_alive_whether_or_not_its_parent_has_noticed():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as ended:
        identity = process.identity(ended.pid)
        assert process.is_alive(identity) is True
        ended.stdin.close()
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
        assert process.is_alive(identity) is False
    assert process.is_alive(identity) is False


def test_this_process_is_alive_and_an_earlier_one_of_the_same_number_is_another():
    assert process.is_alive(process.identity()) is True
    pid, started, machine = process.identity().split("-", 2)
    assert int(pid) == os.getpid()
    assert process.is_alive(f"{pid}-{int(started) - 500}-{machine}") is False


@pytest.mark.parametrize("identity", ["", "abc", "1-2", "1-x-here", "1-2-elsewhere"])
def test_nothing_is_known_of_another_machine_or_from_what_is_not_an_identity(identity):
    assert process.is_alive(identity) is None


def test_without_proc_the_time_of_day_identifies_a_process(monkeypatch, tmp_path):
    monkeypatch.setattr(process, "PROC", tmp_path)
    assert process.is_alive(process.identity()) is True
    assert process.is_alive(f"{2**22}-1-{socket.gethostname()}") is False
