"""Processes that end with the one that started them, however that ends, `kill -9` included.

    python tests/support/leash.py SIGNAL FOLDER COMMAND ...

runs COMMAND until its own standard input closes, as it does when the process at the other end is
gone. Then COMMAND and all that it started get SIGNAL, after ten seconds SIGKILL, and FOLDER, if
named, is deleted.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

GRACE_SECONDS = 10


@contextmanager
def leashed(
    command: Sequence[str],
    log: Path,
    *,
    cwd: Path,
    env: Mapping[str, str],
    stop: signal.Signals = signal.SIGTERM,
    remove: Path | None = None,
) -> Iterator[subprocess.Popen]:
    """Run a command, whose output goes to `log`, until the block ends, and yield the process that
    holds it; `stop` asks it to end, and the folder `remove` is deleted afterwards.
    """
    this = [sys.executable, str(Path(__file__)), stop.name, str(remove or ""), *command]
    with log.open("w") as output:
        process = subprocess.Popen(
            this, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=3 * GRACE_SECONDS)


def _hold(stop: signal.Signals, folder: str, command: Sequence[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the test, and that ends this
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def wait_for_the_other_end() -> None:
        sys.stdin.buffer.read()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, stop)
            time.sleep(GRACE_SECONDS)
            os.killpg(process.pid, signal.SIGKILL)

    threading.Thread(target=wait_for_the_other_end, daemon=True).start()
    status = process.wait()
    with suppress(ProcessLookupError):  # whatever it left behind
        os.killpg(process.pid, signal.SIGKILL)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    _hold(signal.Signals[sys.argv[1]], sys.argv[2], sys.argv[3:])
