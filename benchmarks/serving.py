"""A served champion's answers to one image, and to 1,000 in one request, against its network alone.

python -m benchmarks.serving

`python -m src.serve` runs in its own process, as `make serve` starts it; the network alone is asked
in this one. There must be a champion: `python -m src.promote best`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import numpy as np
import requests

from benchmarks import harness
from src.core import errors, local_server, paths
from src.core.errors import InputError
from src.data import dataset

SINGLES = 50  # requests of one image in a round, of which the median counts
BATCH = 1000
GOAL = harness.at_most(50)  # milliseconds: half of a delay that still feels immediate

Ask = Callable[[np.ndarray], object]


def one_image(ask: Ask, images: np.ndarray) -> float:
    """Return the median milliseconds of an answer to one image, uint8 (N, 28, 28)."""
    seconds = []
    for image in images[:SINGLES]:
        began = time.perf_counter()
        ask(image)
        seconds.append(time.perf_counter() - began)
    return 1000 * median(seconds)


def many_images(ask: Ask, images: np.ndarray) -> float:
    """Return the images per second of one request with all of them, uint8 (N, 28, 28)."""
    began = time.perf_counter()
    ask(images)
    return len(images) / (time.perf_counter() - began)


@contextmanager
def served(port: int) -> Iterator[Ask]:
    """Serve the champion, and yield a function that asks it; this includes encoding the JSON.

    Raises:
        InputError: the server ends before it answers.
    """
    local_server.claim(port).close()  # a taken one is refused
    command = [sys.executable, "-m", "src.serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
        address = f"http://{local_server.HOST}:{port}"
        try:
            with requests.Session() as session:
                _wait(session, f"{address}/ping", server)

                def ask(images: np.ndarray) -> object:
                    body = json.dumps({"instances": images.tolist()})
                    headers = {"Content-Type": "application/json"}
                    answer = session.post(f"{address}/invocations", body, headers=headers)
                    answer.raise_for_status()
                    return answer.json()["predictions"]

                yield ask
        finally:
            server.terminate()


def _wait(session: requests.Session, address: str, server: subprocess.Popen) -> None:
    """Wait until a server answers."""
    while True:
        try:
            session.get(address, timeout=5)
            return
        except requests.RequestException:  # not there yet, or not ready
            if server.poll() is not None:
                assert server.stderr is not None
                said = server.stderr.read().decode().strip().removeprefix("Error: ")
                raise InputError(f"The server ended: {said[-500:]}") from None
            time.sleep(0.2)


def rows(results: dict[str, Sequence[float]]) -> list[harness.Row]:
    """Return the table's rows, from the values of each round."""
    one, many = results["one, alone"], results["many, alone"]
    return [
        harness.Row("one image, ms: the network alone", one),
        harness.Row("one image, ms: an answer by HTTP", results["one, served"], goal=GOAL),
        harness.Row(f"{BATCH:,} images, images/s: the network alone", many),
        harness.Row(f"{BATCH:,} images, images/s: by HTTP", results["many, served"], many),
    ]


def main() -> None:
    """Measure, and print the table."""
    parser = harness.parser("serving", __doc__, rounds=7)
    parser.add_argument("--port", type=int, default=5012, help="of the server")
    given = parser.parse_args()

    images = dataset.load(paths.TEST)["images"][:BATCH]
    conditions = harness.conditions("tensorflow", "keras", "mlflow")
    with served(given.port) as ask:
        import mlflow  # once the server has found the champion

        from src.tracking import champion, store

        store.reader()
        alone = mlflow.pyfunc.load_model(champion.URI).predict
        for warm in (ask, alone):
            warm(images)
        results = harness.interleave(
            {
                "one, alone": lambda: one_image(alone, images),
                "one, served": lambda: one_image(ask, images),
                "many, alone": lambda: many_images(alone, images),
                "many, served": lambda: many_images(ask, images),
            },
            given.rounds,
        )
    harness.show("A served model's answers", conditions, rows(dict(results)))


if __name__ == "__main__":
    errors.run(main)
