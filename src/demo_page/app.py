"""The web application: the page, and the data it requests."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.staticfiles import StaticFiles

from src.data.sources import class_names
from src.demo_page import drawing
from src.demo_page.held_out import HeldOutImages
from src.demo_page.readers import Reader
from src.evaluation.predictions import probabilities
from src.serving.loader import ServedModel

PAGE = Path(__file__).parent / "page"
LARGEST = 1024  # pixels: the side of a drawing
HOSTS = ["127.0.0.1", "localhost"]  # against DNS rebinding by other sites' pages


@dataclass(frozen=True)
class Page:
    """The content of the page."""

    models: list[tuple[Reader, ServedModel]]
    factor: str  # a noun for their difference
    tests: HeldOutImages
    caption: str
    dataset: str  # its name, for the names of the classes


def create(page: Page) -> FastAPI:
    """Return the application."""
    # FastAPI's own pages would load scripts from elsewhere.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    lock = threading.Lock()  # one image at a time, because the page shows milliseconds

    def answers(image: np.ndarray) -> dict[str, Any]:
        with lock:
            found = [_answer(model, image) for _, model in page.models]
        return {"image": image.ravel().tolist(), "answers": found}

    @app.get("/api/about")
    def about() -> dict[str, Any]:
        return {
            "models": [reader.about() for reader, _ in page.models],
            "factor": page.factor,
            "classes": class_names(page.dataset),
            "caption": page.caption,
            "test_images": len(page.tests.images),
            "mistakes": [
                vars(one) | {"image": page.tests.images[one.number].ravel().tolist()}
                for one in page.tests.mistakes
            ],
        }

    @app.post("/api/read")
    async def read(request: Request) -> dict[str, Any]:
        body = await request.body()  # the ink, a byte for each pixel of a square
        side = round(len(body) ** 0.5)
        if not body or side * side != len(body) or side > LARGEST:
            expected = f"a square drawing of at most {LARGEST}×{LARGEST} pixels"
            raise HTTPException(400, f"Found {len(body)} bytes, expected those of {expected}.")
        image = drawing.as_mnist(np.frombuffer(body, np.uint8).reshape(side, side))
        return {"image": None, "answers": []} if image is None else answers(image)

    @app.get("/api/test-image/{number}")
    def test_image(number: int) -> dict[str, Any]:
        if not 0 <= number < len(page.tests.images):
            raise HTTPException(404, f"There is no test image {number} on this machine.")
        image, labels = page.tests.images[number], page.tests.labels
        label = None if labels is None else int(labels[number])
        return {"number": number, "label": label, **answers(image)}

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


def _answer(model: ServedModel, image: np.ndarray) -> dict[str, Any]:
    began = time.perf_counter()
    [found] = probabilities(model.predict(image))
    milliseconds = 1000 * (time.perf_counter() - began)
    return {"probabilities": found.tolist(), "milliseconds": milliseconds}
