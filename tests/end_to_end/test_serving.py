import json
import urllib.request

import numpy as np
import pytest

from src.runtime import paths
from src.tracking import run_logger
from tests.support.commands import small_name
from tests.support.servers import serving

pytestmark = pytest.mark.slow
NAME = run_logger.model_name(small_name("swish_beta"))

NAME = run_logger.model_name(small_name("swish_beta"))


def test_a_logged_model_serves_a_raw_image_in_a_folder_without_its_code(trained, tmp_path):
    with np.load(trained.project / paths.TEST) as arrays:
        image = arrays["images"][0]
    expected = np.load(trained.out / "predictions" / "probabilities.npy")[0]
    command = ["models", "serve", "-m", f"runs:/{trained.run.info.run_id}/{NAME}"]
    command += ["--env-manager", "local"]
    store = f"sqlite:///{trained.project / 'mlflow.db'}"

    with serving(*command, folder=tmp_path, ready="ping", MLFLOW_TRACKING_URI=store) as address:
        request = urllib.request.Request(
            f"{address}/invocations",
            json.dumps({"instances": image[np.newaxis].tolist()}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            [scores] = json.load(response)["predictions"]
    assert image.dtype == np.uint8
    assert image.shape == (28, 28)
    assert len(scores) == 10
    assert np.allclose(scores, expected, atol=1e-5)
