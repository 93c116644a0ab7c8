import pytest
from omegaconf import OmegaConf

from src.config import compose
from src.experiments.run_name import run_name
from tests.support.commands import git

SPRINT = "relu-sprint-learning_rate=0.02-seed1"
FOUR = ("epochs=2", "batch_size=64", "label_smoothing=0", "deterministic=false")
MANY = "swish-learning_rate=0.02-weight_decay=0-epochs=2-batch_size=64-2-more-seed1"


def name_of(*words, named_by=("activation",)):
    """Return the name of the run with these overrides."""
    composed, choices = compose.composition(*words)
    return run_name(OmegaConf.to_container(composed, resolve=True), choices, named_by)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "swish-seed1"),
        (["activation=relu", "seed=3"], "relu-seed3"),
        (["activation=relu", "model=lenet5"], "relu-lenet5-seed1"),
        (["optimizer.learning_rate=0.02", "seed=3"], "swish-learning_rate=0.02-seed3"),
        (["model=mlp", "model.units=[8]", "epochs=2"], "swish-mlp-units=[8]-epochs=2-seed1"),
        (["model=compact", "epochs=14"], "swish-seed1"),  # as it is anyway
        (["experiment=notebook"], "swish-notebook-seed1"),
        (["experiment=notebook", "epochs=2"], "swish-notebook-epochs=2-seed1"),
        (["experiment=notebook", "optimizer=sgd"], "swish-notebook-sgd-seed1"),
        (["experiment=sprint"], "relu-sprint-seed1"),
        (["experiment=sprint", "optimizer.learning_rate=0.02"], SPRINT),
        (["+optimizer.clipnorm=1.0"], "swish-clipnorm=1.0-seed1"),
        (["split_seed=7", "submission=false", "checkpoints=/shared"], "swish-seed1"),
        ([*FOUR, "optimizer.learning_rate=0.02", "optimizer.weight_decay=0"], MANY),
    ],
)
def test_a_run_is_named_by_its_activation_what_differs_from_the_defaults_and_its_seed(words, name):
    assert name_of(*words) == name


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("keys", "words", "name"),
    [
        (["optimizer"], ["optimizer=adamw"], "swish-adamw-seed3"),
        (["optimizer.learning_rate"], [], "swish-learning_rate=0.013-seed3"),
        (["model", "model.units"], ["model=mlp"], "swish-mlp-units=[512,256]-seed3"),
    ],
)
def test_a_key_that_a_sweep_varies_is_in_the_name_even_at_its_default(keys, words, name):
    assert name_of(*words, "seed=3", named_by=keys) == name


def test_what_dvc_changed_in_params_yaml_is_in_the_name(project):
    assert name_of() == "swish-seed1"
    git(project, "init", "-q")
    git(project, "add", "params.yaml")
    git(project, "commit", "-q", "-m", "params")
    params = project / "params.yaml"
    changed = params.read_text().replace("model: compact", "model: lenet5")
    params.write_text(changed.replace("activation: swish", "activation: relu"))
    assert name_of() == "relu-lenet5-seed1"
