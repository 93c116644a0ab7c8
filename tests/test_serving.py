import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from commands import environment

from src import paths

pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serving(model, store, folder):
    """Yield the address of an MLflow server of the model that runs in another folder."""
    port = free_port()
    where = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, *where],
            cwd=folder,
            env=environment(MLFLOW_TRACKING_URI=store),
            stdout=output,
            stderr=output,
            start_new_session=True,  # the server starts workers: all are ended together
        )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5)
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert process.poll() is None, log.read_text()
                time.sleep(1)
        else:
            pytest.fail(f"The server did not answer:\n{log.read_text()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_logged_model_serves_a_raw_image_in_a_folder_without_its_code(trained, tmp_path):
    with np.load(trained.project / paths.TEST) as arrays:
        image = arrays["images"][0]
    expected = np.load(trained.out / "predictions" / "probabilities.npy")[0]
    store = f"sqlite:///{trained.project / 'mlflow.db'}"
    model = f"runs:/{trained.run.info.run_id}/model"

    with serving(model, store, tmp_path) as address:
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
