"""The servers of these tests end with the tests, however those end."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.support.commands import ROOT

TEST = """
import os, sys, time
from pathlib import Path
from tests.support.leash import leashed
folder = Path(sys.argv[1])
server = ["sh", "-c", "trap '' TERM INT; sleep 1000 & echo $! > child; wait"]
with leashed(server, folder / "log", cwd=folder, env=dict(os.environ), remove=folder / "data"):
    while not (folder / "child").exists():
        time.sleep(0.05)
    print("up", flush=True)
    time.sleep(1000 if sys.argv[2] == "killed" else 0)
"""


@pytest.mark.parametrize("way", ["killed", "ended"])
def test_a_server_and_its_children_end_with_the_test_and_so_does_its_folder(tmp_path, way):
    (tmp_path / "data").mkdir()
    test = subprocess.Popen(
        [sys.executable, "-c", TEST, str(tmp_path), way],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert test.stdout.readline() == "up\n"
    child = psutil.Process(int((tmp_path / "child").read_text()))
    if way == "killed":
        os.kill(test.pid, signal.SIGKILL)
    test.wait(timeout=60)
    child.wait(timeout=60)
    last = time.monotonic() + 60
    while (tmp_path / "data").exists():
        assert time.monotonic() < last
        time.sleep(0.1)
