import os
import signal
import subprocess
import sys
import time

from src.runtime.stopwatch import Stopwatch

PROGRAM = """
import sys, time
from src.runtime import stopwatch
stopwatch.TICK_SECONDS, stopwatch.STOPPED_SECONDS = 0.05, 0.5
watch = stopwatch.Stopwatch()
print("started", flush=True)
sys.stdin.readline()
time.sleep(0.2)
print(watch.seconds())
"""


def test_it_counts_seconds():
    watch = Stopwatch()
    time.sleep(0.05)
    assert 0.05 <= watch.seconds() < 5
    watch.close()


def test_the_time_that_a_process_is_stopped_for_does_not_count():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(process.pid, signal.SIGCONT)
    said, _ = process.communicate("\n", timeout=60)
    assert float(said) < 2
