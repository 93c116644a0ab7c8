import inspect
import re
from pathlib import Path

import pytest

from benchmarks import projects, untracked
from src import train
from src.runtime import paths
from src.tracking import run_logger

STAND_INS = {
    name
    for name, value in vars(untracked).items()
    if inspect.isfunction(value) and value.__module__ == untracked.__name__ and name != "main"
}


def test_every_function_of_tracking_that_a_training_calls_has_a_stand_in():
    assert set(re.findall(r"run_logger\.(\w+)", Path(train.__file__).read_text())) == STAND_INS


@pytest.mark.parametrize("name", sorted(STAND_INS))
def test_a_stand_in_is_called_as_the_function_is(name):
    theirs = inspect.signature(getattr(run_logger, name))
    assert inspect.signature(getattr(untracked, name)) == theirs


@pytest.mark.slow
def test_an_untracked_training_leaves_a_model_and_no_store(processed):
    with projects.with_our_data() as folder:
        done = projects.process(
            *(folder, "model=mlp", "model.units=[8]", "epochs=1", "batch_size=64"),
            module="benchmarks.untracked",
        )
        assert (done.out / paths.MODEL).is_file()
        assert not list(folder.glob("ml*"))
