import os
import sys

import pytest

from src.core.errors import InputError
from src.experiments import executors
from src.experiments.executors.here import Here
from tests.support import stub_runs
from tests.support.stub_runs import stub


def test_runs_train_here_one_after_another_and_only_ctrl_c_passes(tmp_path, monkeypatch):
    def train(spec):
        if spec.name == "stop":
            raise KeyboardInterrupt
        stub_runs.train(spec)

    monkeypatch.setattr(executors, "train_here", train)
    names = ("a", "fail", "b", "stop")
    outcomes = Here().execute(stub(name, tmp_path) for name in names)
    assert next(outcomes).error is None
    assert not (tmp_path / "fail").exists()  # not even begun
    spec, error = next(outcomes)
    assert (spec.name, str(error)) == ("fail", "as it must.")
    assert isinstance(error, InputError)
    assert next(outcomes).error is None
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)


def test_a_call_is_one_in_this_process_with_tensorflow():
    assert Here().call(os.getpid) == os.getpid()
    assert "keras" in sys.modules
