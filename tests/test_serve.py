import json
import shutil
import urllib.request

import numpy as np
import pytest

from src import serve
from tests.support.commands import ROOT, run, sentence
from tests.support.servers import running

HERE = {"PYTHONPATH": str(ROOT)}


def test_the_example_request_is_an_image():
    [image] = json.loads((ROOT / serve.EXAMPLE).read_text())["instances"]
    assert np.shape(image) == (28, 28)


@pytest.mark.slow
def test_the_champion_answers_the_example_request_with_a_seven(with_trained_store):
    assert run(with_trained_store, "src.promote", "best", **HERE).returncode == 0
    body = (ROOT / serve.EXAMPLE).read_bytes()
    headers = {"Content-Type": "application/json"}
    with running("src.serve", folder=with_trained_store, ready="ping", **HERE) as address:
        request = urllib.request.Request(f"{address}/invocations", body, headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            [scores] = json.load(response)["predictions"]
        log = (with_trained_store / "server.log").read_text()
    assert np.argmax(scores) == 7
    assert f"curl {address}/invocations" in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_without_a_champion_a_sentence_says_how_to_choose_one(project, empty_store):
    shutil.copy(empty_store, project)
    assert sentence(run(project, "src.serve", **HERE)) == (
        "Error: There is no champion to serve yet: `python -m src.promote best` makes the best "
        "run's model the champion."
    )
