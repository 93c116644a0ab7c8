"""Time that a process spent running: without what it was stopped for, by Ctrl-Z or SIGSTOP."""

import threading
import time

TICK_SECONDS = 1.0
STOPPED_SECONDS = 5.0  # between two ticks: no busy machine keeps a thread waiting for so long


class Stopwatch:
    """Counts seconds from its start; the system's clocks go on while a process is stopped."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.stopped = 0.0
        self.closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        last = time.perf_counter()
        while not self.closed.wait(TICK_SECONDS):
            now = time.perf_counter()
            if now - last > STOPPED_SECONDS:
                self.stopped += now - last - TICK_SECONDS
            last = now

    def seconds(self) -> float:
        """Return for how long the process has run since the start."""
        return time.perf_counter() - self.began - self.stopped

    def close(self) -> None:
        """End the thread that looks at the clock."""
        self.closed.set()
