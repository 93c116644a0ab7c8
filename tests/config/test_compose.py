import pytest
import yaml

from src.config import compose, messages
from src.config.schema import CHOICES, Fetch, Preprocess
from src.core import paths
from tests.support.recipes import configure, names
from tests.support.refusal import refusal

SECTIONS = {"fetch": Fetch, "preprocess": Preprocess}

pytestmark = pytest.mark.usefixtures("project")


def rewrite(changes, section=None):
    """Change values of params.yaml, or of one of its sections; "-" removes a key."""
    params = yaml.safe_load(paths.PARAMS.read_text())
    part = params[section] if section else params
    part.update(changes)
    for key in [key for key, value in changes.items() if value == "-"]:
        del part[key]
    paths.PARAMS.write_text(yaml.safe_dump(params, sort_keys=False))


def test_the_values_and_the_choices_are_those_of_params_yaml():
    configure()
    rewrite({"epochs": 3, "seed": 11, "activation": "e_swish", "model": "mlp"})
    cfg = configure()  # composed anew
    assert (cfg.epochs, cfg.seed) == (3, 11)
    assert cfg.activation == {"_target_": "src.training.activations.ESwish", "beta": 1.25}
    assert cfg.model["_target_"] == "src.training.models.mlp"


def test_the_command_line_wins_over_params_yaml_and_over_the_experiment():
    cfg = configure("experiment=notebook", "epochs=4", "activation=relu", "optimizer.epsilon=1")
    assert cfg.epochs == 4
    assert cfg.activation == {"_target_": "keras.layers.Activation", "activation": "relu"}
    assert cfg.optimizer["epsilon"] == 1  # a whole number where the file has a fraction


@pytest.mark.parametrize("overrides", [[], ["experiment=notebook"]])
def test_an_experiment_wins_over_params_yaml_and_leaves_it_the_activation(overrides):
    rewrite({"activation": "mish"} | ({} if overrides else {"experiment": "notebook"}))
    cfg = configure(*overrides)
    assert (cfg.epochs, cfg.batch_size, cfg.label_smoothing) == (30, 86, 0.0)
    assert cfg.model["_target_"] == "src.training.models.notebook"
    assert (cfg.optimizer["learning_rate"], cfg.optimizer["epsilon"]) == (1e-3, 1e-8)
    assert cfg.activation["_target_"].endswith(".Mish")


@pytest.mark.parametrize("group", CHOICES)
def test_an_unknown_choice_gets_the_nearest_and_every_known_name(group):
    known = names(group)
    said = refusal(configure, f"{group}={known[0]}x")
    assert said.startswith(f"{group}={known[0]}x is unknown. Did you mean {known[0]!r}? ")
    assert f"Choose one of {', '.join(known)}, or add conf/{group}/{known[0]}x.yaml." in said


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("epochs=-1", "epochs=-1 is out of range: use a number from 1 to 100000."),
        ("epochs=abc", "epochs is a text (abc), expected a whole number. Fix it"),
        ("epochs=2.5", "epochs is a number (2.5), expected a whole number."),
        ("epochs=null", "epochs is empty, expected a whole number."),
        ("epochs=???", "epochs is empty, expected a whole number."),
        ("epochs=[1", "'epochs=[1' is not readable as an override: write key=value"),
        ("epochs", "'epochs' is not readable as an override: write key=value"),
        ("epohcs=3", "epohcs is unknown. Did you mean 'epochs'? Choose one of activation, model"),
        ("+epohcs=3", "epohcs is unknown. Did you mean 'epochs'? "),
        ("seed=2147483648", "is out of range: use a number from 0 to 2147483647."),
        ("split_seed=-1", "split_seed=-1 is out of range"),
        ("data_seed=-1", "data_seed=-1 is out of range"),
        ("epochs=${nope}", "epochs: Interpolation key 'nope' not found. Fix it in"),
        ("model.filters=[[8],[]]", "model.filters has an empty list"),
        ("label_smoothing=1", "label_smoothing=1.0 is out of range: use a number from 0 to 0.99."),
        ("label_smoothing=nan", "label_smoothing=nan is out of range"),
        ("checkpoints=gs://bucket", "checkpoints=gs://bucket is not a folder of this machine. "),
        ("precision=float16", "precision=float16 is unknown. Did you mean 'float32'? Choose one"),
        ("precision=float16", "Choose one of auto, float32, mixed_bfloat16, mixed_float16."),
        ("deterministic=maybe", "deterministic is a text (maybe), expected true or false."),
        ("activation=relu,swish", "=relu,swish lists several values: give one, or add -m"),
        ("activation=../swish", "activation=../swish is unknown. Did you mean 'swish'? Choose one"),
        ("activation=[relu,swish]", "activation chooses no file, or several"),
        ("~activation", "activation chooses no file, or several"),
        ("activation=null", "Got NoneType): give each of activation, model, optimizer"),
        ("mlflow.experimnt=a", "mlflow.experimnt is unknown. Did you mean 'experiment'? "),
        ("fetch.source=mnist", "fetch is unknown. "),
        ("model.dropuot=0.5", "model.dropuot is unknown. Did you mean 'dropout'? Choose one of"),
        ("+model.dropuot=0.5", "Did you mean 'dropout'? Choose one of _target_, "),
    ],
)
def test_a_bad_override_gets_one_sentence_with_the_value_and_what_to_do(override, said):
    assert said in refusal(configure, "model=compact", override)


@pytest.mark.parametrize(
    ("choice", "override", "allowed"),
    [
        ("optimizer=adam", "optimizer.learning_rate=0", "from 1e-12 to 1000"),
        ("optimizer=adam", "optimizer.learning_rate=nan", "from 1e-12 to 1000"),
        ("optimizer=adam", "optimizer.beta_2=-0.1", "from 0 to 0.999999"),
        ("optimizer=sgd", "optimizer.momentum=1.5", "from 0 to 1"),
        ("model=mlp", "model.dropout=1", "from 0 to 0.999"),
        ("model=mlp", "model.units=[8,0]", "from 1 to 1000000"),
        ("model=compact", "model.filters=[[8],[16,0]]", "from 1 to 1000000"),
        ("model=compact", "model.border=9", "from 0 to 8"),
        ("schedule=one_cycle", "schedule.initial_factor=-1", "from 0 to 1"),
        ("augmentation=affine", "augmentation.rotation=181", "from 0 to 180"),
        ("augmentation=elastic", "augmentation.grid=1", "from 2 to 28"),
    ],
)
def test_a_groups_number_out_of_range_is_refused_with_the_range(choice, override, allowed):
    name = override.split("=")[0]
    said = refusal(configure, choice, override)
    assert said.startswith(f"{name}=")
    assert f": use a number {allowed}" in said


@pytest.mark.parametrize(
    ("choice", "override", "said"),
    [
        ("model=mlp", "model.dropout=abc", "is a text, but {} has a number there"),
        ("model=mlp", "model.units=8", "is a whole number, but {} has a list there"),
        ("model=mlp", "model.head=3", "is a whole number, but {} has a text there"),
        ("model=mlp", "model.dropout=null", "is empty, but {} has a number"),
        ("optimizer=sgd", "optimizer.nesterov=3", "but {} has true/false there"),
        ("optimizer=sgd", "optimizer.momentum=true", "is true/false, but {} has a number"),
        ("augmentation=elastic", "augmentation.grid=5.5", "{} has a whole number there"),
        ("activation=swish_beta", "activation.trainable=0", "{} has true/false there (True)"),
    ],
)
def test_a_groups_value_keeps_the_kind_it_has_in_its_file(choice, override, said):
    name, value = override.split("=")
    found = refusal(configure, choice, override)
    assert said.format(f"conf/{choice.replace('=', '/')}.yaml") in found
    assert found.startswith(f"{name}={ {'null': 'None', 'true': 'True'}.get(value, value) } ")


def test_a_value_that_only_the_built_object_refuses_is_one_sentence_with_the_object():
    from src.training import fit

    def build(override):
        try:
            fit.compile_model(configure("model=mlp", override), total_steps=1)
        except Exception as error:
            raise messages.explain(error) from error

    said = refusal(build, "model.units=[2.5]")
    assert "'src.training.models.mlp'" in said
    assert "units=2.5" in said
    assert "'src.training.models.mpl'" in refusal(build, "model._target_=src.training.models.mpl")
    assert refusal(build, "model.head=x") == ("model.head=x is unknown: choose softmax or sigmoid.")


def test_without_params_yaml_the_sentence_names_the_folder(project):
    paths.PARAMS.unlink()
    for call in (configure, lambda: compose.stage(Fetch)):
        assert refusal(call).startswith(f"params.yaml is not in {project}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"seed: [1\nepochs: 3\n", "not readable as YAML"),
        (b"seed: 1\n\tepochs: 3\n", "not readable as YAML"),
        (b"seed: 1\nseed: 2\n", "duplicate key seed"),
        (b"# \xe9\nseed: 1\n", "not readable as YAML"),
        (b"- seed\n", "holds a list"),
    ],
)
def test_a_broken_params_yaml_is_refused_by_every_stage(text, said):
    paths.PARAMS.write_bytes(text)
    for call in (configure, lambda: compose.stage(Fetch), lambda: compose.stage(Preprocess)):
        assert refusal(call).startswith("params.yaml")
        assert said in refusal(call)


def test_a_stages_section_becomes_its_checked_values():
    rewrite({"source": "kaggle", "layout": "any", "path": "x", "seed": 3}, "fetch")
    rewrite({"valid_fraction": 0.25, "seed": 4}, "preprocess")
    assert compose.stage(Fetch) == Fetch("kaggle", "any", 3, "x")
    assert compose.stage(Preprocess) == Preprocess(0.25, 4)


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        (None, {"epohcs": 3}, "epohcs is unknown. Did you mean 'epochs'? Choose one of "),
        (None, {"activatoin": 3}, "activatoin is unknown. Did you mean 'activation'? "),
        (None, {"experimnt": 3}, "experimnt is unknown. Did you mean 'experiment'? "),
        (None, {"batch_size": "-"}, "batch_size is empty, expected a whole number. Fix it in"),
        (None, {"schedule": "-"}, "schedule chooses no file"),
        (None, {"activation": None}, "activation in params.yaml is empty (None), but it chooses"),
        (None, {"activation": 3}, "activation in params.yaml is a whole number (3)"),
        (None, {"activation": ["relu"]}, "activation in params.yaml is a list (['relu'])"),
        (None, {"activation": {"a": 1}}, "activation in params.yaml is a group of keys ({'a': 1})"),
        ("fetch", None, "params.yaml has no section 'fetch': restore it in params.yaml from git."),
        ("preprocess", ["a"], "params.yaml has no section 'preprocess': "),
        ("fetch", {"layout": "-"}, "fetch.layout is missing: restore it in params.yaml from git."),
        ("fetch", {"source": "minst"}, "fetch.source=minst is unknown. Did you mean 'mnist'? "),
        ("fetch", {"layout": "kagle"}, "fetch.layout=kagle is unknown. Did you mean 'kaggle'? "),
        ("fetch", {"source": None}, "fetch.source is empty, expected a text."),
        ("fetch", {"source": "files"}, "fetch.path is empty, but fetch.source=files needs"),
        ("fetch", {"path": [1]}, "fetch.path is a list ([1]), expected a text."),
        ("fetch", {"seed": -1}, "fetch.seed=-1 is out of range: use a number from 0 to 4294967295"),
        ("fetch", {"sede": 3}, "fetch.sede is unknown. Did you mean 'seed'? Choose one of source"),
        ("preprocess", {"valid_fraction": 0.91}, "=0.91 is out of range: use a number from 0.001"),
        ("preprocess", {"valid_fraction": "x"}, "valid_fraction is a text (x), expected a number."),
        ("preprocess", {"seed": 2.5}, "preprocess.seed is a number (2.5), expected a whole"),
        ("preprocess", {3: 1}, "preprocess.3 is unknown. Choose one of valid_fraction, seed."),
    ],
)
def test_a_mistake_in_params_yaml_is_one_sentence(section, changes, said):
    rewrite(*((changes, section) if isinstance(changes, dict) else ({section: changes},)))
    assert said in (refusal(compose.stage, SECTIONS[section]) if section else refusal(configure))
