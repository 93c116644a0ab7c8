"""The web application: the page, and what it asks for."""

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.staticfiles import StaticFiles

from src.data.digits import CLASSES, SIDE, class_names
from src.demo_page import drawing, readers
from src.demo_page.held_out import HeldOutImages
from src.demo_page.readers import Reader
from src.runtime import metric_names
from src.serving.loader import ServedModel

PAGE = Path(__file__).parent / "page"
LARGEST = 1024  # pixels: the side of a drawing
HOSTS = ["127.0.0.1", "localhost"]  # no other site's page can ask by a name of its own


@dataclass(frozen=True)
class Shown:
    """What the page shows.

    Attributes:
        models: each with who it is.
        factor: what they differ in, a noun.
        tests: the test images, if there are any here.
        caption: below the models.
        dataset: whose class names the page shows.
    """

    models: list[tuple[Reader, ServedModel]]
    factor: str
    tests: HeldOutImages | None
    caption: str
    dataset: str


def make(shown: Shown) -> FastAPI:
    """Return the application."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # whose pages load scripts
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    turn = threading.Lock()  # one at a time, as the milliseconds are shown

    def answers(image: np.ndarray) -> list[dict[str, Any]]:
        with turn:
            return [_answer(model, image) for _, model in shown.models]

    def test_image(number: int) -> dict[str, Any]:
        assert shown.tests is not None
        image, labels = shown.tests.images[number], shown.tests.labels
        label = None if labels is None else int(labels[number])
        return {"number": number, "label": label, **_read(image, answers(image))}

    @app.get("/api/about")
    def about() -> dict[str, Any]:
        return {
            "models": [_about(reader) for reader, _ in shown.models],
            "factor": shown.factor,
            "classes": class_names(shown.dataset),
            "caption": shown.caption,
            "test_images": 0 if shown.tests is None else len(shown.tests.images),
            "mistakes": _mistakes(shown.tests),
        }

    @app.post("/api/read")
    async def read(request: Request) -> dict[str, Any]:
        """Answer a drawing: the body is its ink, a byte for each pixel of a square."""
        body = await request.body()
        side = round(len(body) ** 0.5)
        if not body or side * side != len(body) or side > LARGEST:
            raise HTTPException(
                400,
                f"Found {len(body)} bytes, expected those of a square drawing of at most "
                f"{LARGEST}×{LARGEST} pixels.",
            )
        image = drawing.as_mnist(np.frombuffer(body, np.uint8).reshape(side, side))
        return _read(None, []) if image is None else _read(image, answers(image))

    @app.get("/api/test-image")
    def any_test_image() -> dict[str, Any]:
        if shown.tests is None:
            raise HTTPException(404, "There are no test images on this machine: run `make`.")
        return test_image(random.randrange(len(shown.tests.images)))

    @app.get("/api/test-image/{number}")
    def one_test_image(number: int) -> dict[str, Any]:
        if shown.tests is None or not 0 <= number < len(shown.tests.images):
            raise HTTPException(404, f"There is no test image {number} on this machine.")
        return test_image(number)

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


def _about(reader: Reader) -> dict[str, Any]:
    return {
        "name": reader.name,
        "champion": reader.is_champion,
        "run": reader.run.info.run_name,
        "validation_accuracy": reader.run.data.metrics.get(metric_names.BEST_VAL_ACCURACY),
    }


def _mistakes(tests: HeldOutImages | None) -> list[dict[str, Any]]:
    if tests is None or tests.labels is None:
        return []
    return [
        {
            "number": one.number,
            "image": tests.images[one.number].ravel().tolist(),
            "label": int(tests.labels[one.number]),
            "predicted": one.predicted,
            "probability": one.probability,
            "reader": one.reader,
        }
        for one in tests.mistakes
    ]


def _answer(model: ServedModel, image: np.ndarray) -> dict[str, Any]:
    began = time.perf_counter()
    found = readers.probabilities(model, image)
    milliseconds = 1000 * (time.perf_counter() - began)
    assert found.shape == (CLASSES,)
    return {"probabilities": found.tolist(), "milliseconds": milliseconds}


def _read(image: np.ndarray | None, answers: list[dict[str, Any]]) -> dict[str, Any]:
    pixels = None if image is None else image.reshape(SIDE * SIDE).tolist()
    return {"image": pixels, "answers": answers}
