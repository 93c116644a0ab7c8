"""Running time of a process, without the time it was stopped by Ctrl-Z or SIGSTOP."""

import threading
import time

TICK_SECONDS = 1.0
STOPPED_SECONDS = 5.0  # between two ticks: no busy machine delays a thread for so long


class Stopwatch:
    """Counts seconds from its creation; the system's clocks also count while stopped."""

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
        """Return the running time since the start."""
        return time.perf_counter() - self.began - self.stopped

    def close(self) -> None:
        """End the thread."""
        self.closed.set()
