import shutil

import pytest
import yaml
from omegaconf import OmegaConf

from src.config import compose
from src.config.search_file import Search
from src.core import paths
from src.core.errors import InputError
from src.data.dataset import Dataset
from src.experiments import recipe
from src.experiments.search import Space, base
from src.experiments.trials import State, Trial

DATA = Dataset("mnist-kaggle", "0f" * 32, {})
PARAMS = {
    "optimizer": "sgd",
    "optimizer.learning_rate": 0.00001234,
    "model.filters": [[4], [8, 8]],
    "label_smoothing": 0.0,
}
SEARCH = Search(
    question="Which of them is best?",
    experiment="default",
    dataset="mnist-kaggle",
    space={
        "optimizer": {"choices": ["adamw", "sgd"]},
        "optimizer.learning_rate": {"log_uniform": [0.00001, 0.1]},
        "model.filters": {"choices": [[[4], [8, 8]]]},
        "label_smoothing": {"uniform": [0.0, 0.2]},
    },
    trials=3,
    overrides=["epochs=3", "augmentation=none"],
    seed=7,
)
FOUND = [
    Trial(0, PARAMS, State.COMPLETE, 0.91, {1: 0.91}),
    Trial(1, PARAMS, State.PRUNED, 0.5, {1: 0.5}),
    Trial(2, PARAMS, State.COMPLETE, 0.98765, {1: 0.9, 2: 0.98765}),
    Trial(3, PARAMS, State.FAILED),
]


@pytest.fixture
def conf(project, monkeypatch):
    """A copy of conf/, from which configurations are composed."""
    shutil.copytree(paths.CONF, project / "conf")
    monkeypatch.setattr(compose, "CONF", project / "conf")
    monkeypatch.setattr(recipe, "EXPERIMENTS", project / "conf" / "experiment")
    return project / "conf"


def write():
    composition = Space(SEARCH, base(SEARCH)).composition(PARAMS)
    recipe.write("mine", SEARCH, FOUND, composition, DATA)
    return composition


def test_the_recipe_composes_to_the_very_configuration_of_the_best_trial(conf):
    composition = write()
    composed, choices = compose.composition("experiment=mine", "seed=7", "submission=false")
    assert OmegaConf.to_container(composed) == OmegaConf.to_container(composition.composed)
    assert choices["optimizer"] == "sgd"
    assert compose.compose("experiment=mine", "activation=relu", "epochs=9").epochs == 9


def test_its_head_says_how_it_was_found(conf):
    write()
    text = (conf / "experiment" / "mine.yaml").read_text()
    head = " ".join(line.removeprefix("# ") for line in text.splitlines() if line[:1] == "#")
    assert text.startswith("# @package _global_\n# Written by `python -m src.search mine` on 20")
    for part in (
        "Which of them is best?",
        "Trial 2 was the best of 3 (1 of them pruned, 1 more failed)",
        "validation accuracy 0.98765 with seed 7",
        "optimizer.learning_rate: 1e-05 to 0.1 (log-uniform)",
        "All else as in experiment=default epochs=3 augmentation=none",
        "mnist-kaggle (0f0f0f0f0f0f)",
        "Commit: ",
        "python -m src.train experiment=mine",
    ):
        assert part in head
    assert max(map(len, text.splitlines())) <= 100


def test_it_has_the_choices_and_the_values_that_differ_from_a_groups_file(conf):
    write()
    given = yaml.safe_load((conf / "experiment" / "mine.yaml").read_text())
    assert {"override /augmentation": "none"} in given["defaults"]
    assert given["optimizer"] == {"learning_rate": 1.234e-05}
    assert given["model"] == {"filters": [[4], [8, 8]]}
    assert "seed" not in given
    assert "schedule" not in given


def test_it_is_written_again_only_if_something_else_was_found(conf):
    write()
    file = conf / "experiment" / "mine.yaml"
    file.write_text(file.read_text().replace("on 20", "on 19"))
    write()
    assert "on 19" in file.read_text()
    file.write_text(file.read_text().replace("1.234e-05", "5.0e-05"))
    write()
    assert "1.234e-05" in file.read_text()


def test_a_file_that_somebody_else_wrote_is_left_alone(conf):
    file = conf / "experiment" / "mine.yaml"
    file.write_text("# mine\n")
    with pytest.raises(InputError, match=r"conf/experiment/mine\.yaml exists, and this search did"):
        recipe.refuse_foreign("mine")
    with pytest.raises(InputError, match="rename the search"):
        write()
    assert file.read_text() == "# mine\n"
