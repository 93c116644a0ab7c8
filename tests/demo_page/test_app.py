import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import requests
import uvicorn

from src.demo_page import app
from src.demo_page.held_out import HeldOutImages, Mistake
from src.demo_page.readers import Reader
from tests.support.servers import free_port

SEEN = np.zeros((3, 28, 28), np.uint8)
SEEN[:, 10:20, 14] = 255


def model(digit):
    """Return a model that takes every image for a digit, with scores as of a sigmoid head."""
    scores = np.full((1, 10), 0.1, np.float32)
    scores[0, digit] = 0.9
    return SimpleNamespace(predict=lambda image: scores)


def reader(name, champion=False):
    info = SimpleNamespace(run_name=f"{name}-seed1")
    data = SimpleNamespace(metrics={"best_val_accuracy": 0.99})
    return Reader(name, SimpleNamespace(info=info, data=data), None, champion)


@contextmanager
def served(tests):
    """Serve the page in a thread; yield a function that sends a request to one of its paths."""
    models = [(reader("ReLU", champion=True), model(7)), (reader("Swish"), model(1))]
    shown = app.Page(models, "activation", tests, "No difference.", "mnist-kaggle")
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app.create(shown), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)

    def ask(path, method="GET", **given):
        return requests.request(method, f"http://127.0.0.1:{port}/{path}", timeout=20, **given)

    yield ask
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def page():
    tests = HeldOutImages(SEEN, np.array([7, 1, 4], np.uint8), [Mistake(2, 4, "Swish", 1, 0.98)])
    with served(tests) as page:
        yield page


def test_the_page_and_its_parts_are_served_from_the_package_and_nothing_comes_from_elsewhere(page):
    for name, kind in (("", "html"), ("page.css", "css"), ("page.js", "javascript")):
        assert page(name).status_code == 200
        assert kind in page(name).headers["content-type"]
    for file in app.PAGE.iterdir():
        assert "//" not in file.read_text().replace("// ", ""), file


def test_the_page_gets_its_models_and_their_mistakes(page):
    answer = page("api/about").json()
    assert [one["name"] for one in answer["models"]] == ["ReLU", "Swish"]
    assert [one["champion"] for one in answer["models"]] == [True, False]
    assert answer["models"][0]["validation_accuracy"] == 0.99
    assert (answer["factor"], answer["caption"]) == ("activation", "No difference.")
    assert answer["classes"] == list("0123456789")
    mistake = {"number": 2, "label": 4, "predicted": 1, "probability": 0.98, "reader": "Swish"}
    assert answer["mistakes"] == [mistake | {"image": SEEN[2].ravel().tolist()}]


def test_a_drawing_gets_an_answer_of_each_model_and_the_image_they_saw(page):
    ink = np.zeros((280, 280), np.uint8)
    ink[50:200, 100:120] = 255
    answer = page("api/read", "POST", data=ink.tobytes()).json()
    assert len(answer["image"]) == 784
    assert max(answer["image"]) == 255
    first, second = answer["answers"]
    assert np.argmax(first["probabilities"]) == 7
    assert np.argmax(second["probabilities"]) == 1
    assert sum(first["probabilities"]) == pytest.approx(1)
    assert first["milliseconds"] > 0


def test_bare_paper_gets_no_answer(page):
    answer = page("api/read", "POST", data=bytes(280 * 280)).json()
    assert answer == {"image": None, "answers": []}


@pytest.mark.parametrize("body", [b"", bytes(3), bytes(1025 * 1025)])
def test_anything_but_a_drawing_is_refused_in_one_sentence(page, body):
    refused = page("api/read", "POST", data=body)
    assert refused.status_code == 400
    assert refused.json()["detail"].startswith(f"Found {len(body)} bytes, expected those of a sq")


def test_test_images_come_with_their_labels(page):
    answer = page("api/test-image/2").json()
    assert (answer["number"], answer["label"]) == (2, 4)
    assert len(answer["answers"]) == 2
    missing = page("api/test-image/3").json()["detail"]
    assert missing == "There is no test image 3 on this machine."


def test_without_test_images_the_page_does_without():
    with served(HeldOutImages(SEEN[:0])) as bare:
        assert bare("api/about").json()["test_images"] == 0
        assert bare("api/test-image/0").status_code == 404


def test_a_name_of_another_site_is_not_answered(page):
    assert page("api/about", headers={"host": "example.com"}).status_code == 400
