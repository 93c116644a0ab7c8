import json
import urllib.error
import urllib.request

import numpy as np
import pytest

from src.core import paths
from src.tracking import run_logger
from tests.support.commands import small_name
from tests.support.servers import serving

pytestmark = pytest.mark.slow
NAME = run_logger.FORBIDDEN.sub("_", small_name("swish_beta"))


@pytest.fixture(scope="module")
def address(trained, tmp_path_factory):
    """Of a server of the trained model, in a folder without the project's code."""
    command = ["models", "serve", "-m", f"runs:/{trained.run.info.run_id}/{NAME}"]
    command += ["--env-manager", "local"]
    store = f"sqlite:///{trained.project / 'mlflow.db'}"
    folder = tmp_path_factory.mktemp("elsewhere")
    with serving(*command, folder=folder, ready="ping", MLFLOW_TRACKING_URI=store) as address:
        yield address


@pytest.fixture(scope="module")
def images(trained):
    with np.load(trained.project / paths.TEST) as arrays:
        return arrays["images"][:3]


def ask(address, given):
    """Return the status and the body of the answer."""
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps({"instances": given}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_a_logged_model_serves_raw_images_of_each_shape(trained, address, images):
    expected = np.load(trained.out / "predictions" / "probabilities.npy")
    assert images.dtype == np.uint8
    alone, several = ((28, 28), (1, 28, 28), (784,)), ((3, 28, 28), (3, 784), (3, 1, 28, 28))
    for shape in (*alone, *several):
        count = 3 if shape in several else 1
        status, answer = ask(address, images[:count].reshape(shape).tolist())
        assert status == 200
        assert np.allclose(answer["predictions"], expected[:count], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda image: image / 254, "pixels from 0 to 1 in image 1, none of them above 1"),
        (lambda image: image + 0.5, "pixels from 0.5 to 254.5 in image 1, not whole"),
        (lambda image: image[:, :20], "the shape 28×20"),
        (lambda image: image[0], "the shape 28"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(address, images, change, found):
    image = images[0].clip(0, 254).astype(float)
    status, answer = ask(address, change(image).tolist())
    assert status == 400
    assert answer["error_code"] == "INVALID_PARAMETER_VALUE"
    assert answer["message"].startswith(f"Found {found}, expected 28×28")
    assert len(answer["message"]) < 250


def test_lists_of_different_lengths_are_refused_without_a_dump(address):
    status, answer = ask(address, [[0] * 784, [0] * 783])
    assert status == 400
    assert len(answer["message"]) < 300
