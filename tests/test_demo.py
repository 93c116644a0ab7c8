import os
import shutil
import socket

import pytest

from tests.support.commands import ROOT, run, sentence


@pytest.mark.slow
def test_without_a_model_a_sentence_says_what_to_train(project, empty_store):
    shutil.copy(empty_store, project)
    refused = run(project, "src.demo", PYTHONPATH=str(ROOT))
    assert sentence(refused).startswith(
        "Error: There is no model to show yet: train some with `python -m src.train"
    )


def test_a_taken_port_is_refused_before_anything_slow(project, no_heavy_imports):
    path = f"{no_heavy_imports}{os.pathsep}{ROOT}"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        for command in ("src.demo", "src.serve", "src.ui"):
            refused = run(project, command, "--port", port, PYTHONPATH=path)
            assert f"Port {port} is taken by another program" in sentence(refused)
