import os
import signal
import subprocess
import sys
import time

PROGRAM = """
import sys, time
from src.core import stopwatch
stopwatch.TICK_SECONDS, stopwatch.STOPPED_SECONDS = 0.05, 0.5
watch = stopwatch.Stopwatch()
print("started", flush=True)
sys.stdin.readline()
time.sleep(0.2)
print(watch.seconds())
watch.close()
"""


def test_seconds_are_counted_except_while_the_process_is_stopped():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], **pipes)
    process.stdout.readline()
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(process.pid, signal.SIGCONT)
    said, _ = process.communicate("\n", timeout=60)
    assert 0.2 <= float(said) < 2
