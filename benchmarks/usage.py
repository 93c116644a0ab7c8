"""Wall time and peak memory of a command.

python -m benchmarks.usage -m src.preprocess

Runs `python <words>` and prints both as JSON, in the last line. It is a process of its own, and
imports little, because the system counts what the process that starts a command holds in memory as
the command's own. Of a command that starts processes, the largest one counts.
"""

import json
import resource
import subprocess
import sys
import time

SECONDS, MEGABYTES = "seconds", "megabytes"
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that ru_maxrss counts in


def main() -> None:
    """Run the words of the command line; end with the command's status if it fails."""
    began = time.perf_counter()
    status = subprocess.run([sys.executable, *sys.argv[1:]]).returncode
    seconds = time.perf_counter() - began
    if status:
        sys.exit(1)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * UNIT
    print(json.dumps({SECONDS: seconds, MEGABYTES: peak / 1e6}))


if __name__ == "__main__":
    main()
