import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from src.config import compose, messages, schema
from src.runtime import paths
from src.runtime.errors import InputError
from tests.support.recipes import configure, names

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("activation", "model", "optimizer", "schedule", "augmentation", "experiment")

pytestmark = pytest.mark.usefixtures("project")


def rewrite(changes, section=None):
    """Change values of params.yaml, or of one of its sections; None as a key's value stays None."""
    params = yaml.safe_load(paths.PARAMS.read_text())
    (params[section] if section else params).update(changes)
    paths.PARAMS.write_text(yaml.safe_dump(params, sort_keys=False))


def remove(key, section=None):
    params = yaml.safe_load(paths.PARAMS.read_text())
    del (params[section] if section else params)[key]
    paths.PARAMS.write_text(yaml.safe_dump(params, sort_keys=False))


def refusal(call, *arguments):
    """Return the sentence that the call is refused with, after checking that it is one."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


@pytest.mark.parametrize(
    ("group", "choice"), [(group, name) for group in GROUPS for name in names(group)]
)
def test_every_file_that_can_be_chosen_composes(group, choice):
    configure(f"{group}={choice}")


def test_the_values_and_the_choices_are_those_of_params_yaml():
    rewrite({"epochs": 3, "seed": 11, "activation": "e_swish", "model": "mlp"})
    cfg = configure()
    assert (cfg.epochs, cfg.seed) == (3, 11)
    assert cfg.activation == {"_target_": "src.training.activations.ESwish", "beta": 1.25}
    assert cfg.model["_target_"] == "src.training.models.mlp"


def test_a_change_to_params_yaml_counts_the_next_time():
    configure()
    rewrite({"epochs": 5})
    assert configure().epochs == 5


def test_the_command_line_wins_over_params_yaml_and_over_the_experiment():
    cfg = configure("experiment=notebook", "epochs=4", "activation=relu", "optimizer.epsilon=1e-5")
    assert cfg.epochs == 4
    assert cfg.activation == {"_target_": "keras.layers.Activation", "activation": "relu"}
    assert cfg.optimizer["epsilon"] == 1e-5


@pytest.mark.parametrize("overrides", [[], ["experiment=notebook"]])
def test_an_experiment_wins_over_params_yaml(overrides):
    if not overrides:
        rewrite({"experiment": "notebook"})
    cfg = configure(*overrides)
    assert (cfg.epochs, cfg.batch_size, cfg.label_smoothing) == (30, 86, 0.0)
    assert cfg.model["_target_"] == "src.training.models.notebook"
    assert cfg.optimizer == {
        "_target_": "keras.optimizers.Adam",
        "learning_rate": 1e-3,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    }
    assert cfg.schedule == {
        "_target_": "src.training.schedules.reduce_on_plateau",
        "factor": 0.5,
        "patience": 3,
        "min_lr": 1e-5,
    }
    warp = {
        "_target_": "src.training.augmentation.affine",
        "rotation": 10.0,
        "zoom": 0.1,
        "shift": 0.1,
    }
    assert cfg.augmentation == warp


def test_the_notebooks_experiment_does_not_choose_the_activation():
    rewrite({"activation": "mish"})
    assert configure("experiment=notebook").activation["_target_"].endswith(".Mish")


@pytest.mark.parametrize("group", GROUPS)
def test_an_unknown_choice_gets_the_nearest_and_every_known_name(group):
    known = names(group)
    said = refusal(configure, f"{group}={known[0]}x")
    assert said.startswith(f"{group}={known[0]}x is unknown. Did you mean {known[0]!r}? ")
    assert f"Choose one of {', '.join(known)}, or add conf/{group}/{known[0]}x.yaml." in said


def test_a_choice_that_is_like_no_name_gets_no_suggestion():
    assert "Did you mean" not in refusal(configure, "activation=zzz")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("epochs=-1", "epochs=-1 is out of range: use a number from 1 to 100000."),
        ("epochs=0", "epochs=0 is out of range"),
        ("epochs=abc", "epochs is a text (abc), expected a whole number. Fix it"),
        ("epochs=2.5", "epochs is a number (2.5), expected a whole number."),
        ("epochs=null", "epochs is empty, expected a whole number."),
        ("epochs=???", "missing mandatory value: epochs"),
        ("epochs=[1", "'epochs=[1' is not readable as an override: write key=value"),
        ("epochs", "'epochs' is not readable as an override: write key=value"),
        ("epohcs=3", "epohcs is unknown. Did you mean 'epochs'? Known are activation, model"),
        ("+epohcs=3", "epohcs is unknown. Did you mean 'epochs'? "),
        ("seed=-1", "seed=-1 is out of range: use a number from 0 to 2147483647."),
        ("seed=2147483648", "seed=2147483648 is out of range"),
        ("batch_size=0", "batch_size=0 is out of range: use a number from 1 to"),
        ("label_smoothing=1", "label_smoothing=1.0 is out of range: use a number from 0 to 0.99."),
        ("label_smoothing=nan", "label_smoothing=nan is out of range"),
        (
            "strategy=mirored",
            "strategy=mirored is unknown. Did you mean 'mirrored'? Choose one of none, mirrored.",
        ),
        (
            "checkpoints=gs://bucket",
            "checkpoints=gs://bucket is not a folder of this machine. Checkpoints are kept in a "
            "folder, on a cluster in one that all nodes share: name a folder, or use null for",
        ),
        (
            "precision=float16",
            "precision=float16 is unknown. Did you mean 'float32'? Choose one of auto, float32, "
            "mixed_bfloat16, mixed_float16.",
        ),
        ("deterministic=maybe", "deterministic is a text (maybe), expected true or false."),
        (
            "activation=relu,swish",
            "activation=relu,swish lists several values: give one, or add -m",
        ),
        (
            "activation=../swish",
            "activation=../swish is unknown. Did you mean 'swish'? Choose one of",
        ),
        ("activation=[relu,swish]", "activation chooses no file, or several"),
        ("~activation", "activation chooses no file, or several"),
        ("activation=null", "Got NoneType): give each of activation, model, optimizer"),
        ("activation=1", "Got int): give each of activation, model, optimizer"),
        ("mlflow.experimnt=a", "mlflow.experimnt is unknown. Did you mean 'experiment'? "),
        ("fetch.source=mnist", "fetch is unknown. "),
        ("model.dropuot=0.5", "model.dropuot is unknown. Did you mean 'dropout'? Known are"),
        ("+model.dropuot=0.5", "model.dropuot is unknown. Did you mean 'dropout'? conf/model/comp"),
    ],
)
def test_a_bad_override_gets_one_sentence_with_the_value_and_what_to_do(override, said):
    assert said in refusal(configure, "model=compact", override)


@pytest.mark.parametrize(
    ("choice", "override", "allowed"),
    [
        ("optimizer=adam", "optimizer.learning_rate=0", "from 1e-12 to 1000.0"),
        ("optimizer=adam", "optimizer.learning_rate=nan", "from 1e-12 to 1000.0"),
        ("optimizer=adam", "optimizer.beta_1=1", "from 0 to 0.999999"),
        ("optimizer=adam", "optimizer.beta_2=-0.1", "from 0 to 0.999999"),
        ("optimizer=sgd", "optimizer.momentum=1.5", "from 0 to 1"),
        ("optimizer=adamw", "optimizer.weight_decay=-0.5", "from 0 to 1000"),
        ("model=mlp", "model.dropout=1", "from 0 to 0.999"),
        ("model=mlp", "model.units=[8,0]", "from 1 to 1000000"),
        ("model=notebook", "model.dropout=[0.25,0.25,1.5]", "from 0 to 0.999"),
        ("model=compact", "model.filters=[[8],[16,0]]", "from 1 to 1000000"),
        ("schedule=reduce_on_plateau", "schedule.factor=1", "from 0 to 0.999"),
        ("schedule=reduce_on_plateau", "schedule.patience=-1", "from 0 to 1000000"),
        ("schedule=one_cycle", "schedule.warmup=1", "from 0 to 0.999"),
        ("schedule=one_cycle", "schedule.initial_factor=-1", "from 0 to 1"),
        ("augmentation=affine", "augmentation.rotation=181", "from 0 to 180"),
        ("augmentation=affine", "augmentation.zoom=1", "from 0 to 0.99"),
        ("augmentation=affine", "augmentation.shift=-0.1", "from 0 to 1"),
        ("augmentation=elastic", "augmentation.displacement=-1", "from 0 to 28"),
        ("augmentation=elastic", "augmentation.grid=1", "from 2 to 28"),
        ("model=compact", "model.border=9", "from 0 to 8"),
    ],
)
def test_a_groups_number_out_of_range_is_refused_with_the_range(choice, override, allowed):
    name = override.split("=")[0]
    said = refusal(configure, choice, override)
    assert said.startswith(f"{name}=")
    assert said.split(": use a number ")[1].startswith(allowed.split(".0")[0])


@pytest.mark.parametrize(
    ("choice", "override", "said"),
    [
        ("model=mlp", "model.dropout=abc", "is a text, but conf/model/mlp.yaml has a number there"),
        ("model=mlp", "model.units=8", "is a whole number, but conf/model/mlp.yaml has a list"),
        (
            "model=mlp",
            "model.head=3",
            "is a whole number, but conf/model/mlp.yaml has a text there",
        ),
        ("model=mlp", "model.dropout=null", "is empty, but conf/model/mlp.yaml has a number"),
        ("optimizer=sgd", "optimizer.nesterov=3", "conf/optimizer/sgd.yaml has true/false there"),
        ("optimizer=sgd", "optimizer.momentum=true", "is true/false, but conf/optimizer/sgd.yaml"),
        ("augmentation=elastic", "augmentation.grid=5.5", "elastic.yaml has a whole number there"),
        ("activation=swish_beta", "activation.trainable=0", "has true/false there (True)"),
    ],
)
def test_a_groups_value_keeps_the_kind_it_has_in_its_file(choice, override, said):
    name, value = override.split("=")
    found = refusal(configure, choice, override)
    assert said in found
    assert found.startswith(f"{name}={ {'null': 'None', 'true': 'True'}.get(value, value) } ")


def test_a_whole_number_may_stand_where_the_file_has_a_fraction():
    assert configure("augmentation=affine", "augmentation.rotation=5").augmentation["rotation"] == 5


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
    for call in (configure, lambda: compose.stage("fetch")):
        said = refusal(call)
        assert said.startswith(f"params.yaml is not in {project}: ")


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
    for call in (configure, lambda: compose.stage("fetch"), lambda: compose.stage("preprocess")):
        assert refusal(call).startswith("params.yaml")
        assert said in refusal(call)


@pytest.mark.parametrize(
    ("key", "near"), [("epohcs", "epochs"), ("activatoin", "activation"), ("experimnt", "experim")]
)
def test_an_unknown_key_of_params_yaml_gets_the_nearest_name(key, near):
    rewrite({key: 3})
    said = refusal(configure)
    assert said.startswith(f"{key} is unknown. Did you mean '{near}")
    assert "batch_size" in said  # all known ones are listed


def test_a_missing_value_of_params_yaml_is_named():
    remove("batch_size")
    assert refusal(configure).startswith("batch_size: ")


@pytest.mark.parametrize("choice", [None, 3, ["relu"], {"_target_": "keras.layers.ReLU"}])
def test_a_choice_of_params_yaml_that_is_no_name_is_refused(choice):
    rewrite({"activation": choice})
    said = refusal(configure)
    assert said.startswith("activation in params.yaml is ")
    assert str(choice) in said
    assert "conf/activation/" in said


def test_a_missing_choice_of_params_yaml_is_named():
    remove("schedule")
    assert refusal(configure).startswith("schedule chooses no file")


def test_a_stages_section_becomes_its_checked_values():
    rewrite({"source": "kaggle", "layout": "any", "path": "x", "seed": 3}, "fetch")
    rewrite({"valid_fraction": 0.25, "seed": 4}, "preprocess")
    assert compose.stage("fetch") == schema.Fetch("kaggle", "any", "x", 3)
    assert compose.stage("preprocess") == schema.Preprocess(0.25, 4)


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        ("fetch", {"source": "minst"}, "fetch.source=minst is unknown. Did you mean 'mnist'? "),
        ("fetch", {"layout": "kagle"}, "fetch.layout=kagle is unknown. Did you mean 'kaggle'? "),
        ("fetch", {"source": None}, "fetch.source is empty, expected a text."),
        ("fetch", {"source": "files"}, "fetch.path is empty, but fetch.source=files reads"),
        ("fetch", {"path": [1]}, "fetch.path is a list ([1]), expected a text."),
        ("fetch", {"seed": -1}, "fetch.seed=-1 is out of range: use a number from 0 to"),
        ("fetch", {"seed": "abc"}, "fetch.seed is a text (abc), expected a whole number."),
        ("fetch", {"sede": 3}, "fetch.sede is unknown. Did you mean 'seed'? "),
        ("preprocess", {"valid_fraction": 0}, "preprocess.valid_fraction=0.0 is out of range"),
        ("preprocess", {"valid_fraction": 0.91}, "use a number from 0.001 to 0.9."),
        (
            "preprocess",
            {"valid_fraction": "x"},
            "preprocess.valid_fraction is a text (x), expected a number.",
        ),
        ("preprocess", {"seed": 2.5}, "preprocess.seed is a number (2.5), expected a whole"),
        (
            "preprocess",
            {3: 1},
            "preprocess.3 is unknown. Section preprocess of",
        ),
    ],
)
def test_a_bad_value_of_a_stages_section_gets_one_sentence(section, changes, said):
    rewrite(changes, section)
    assert said in refusal(compose.stage, section)


@pytest.mark.parametrize(("section", "key"), [("fetch", "layout"), ("preprocess", "seed")])
def test_a_missing_key_of_a_stages_section_is_named(section, key):
    remove(key, section)
    assert refusal(compose.stage, section).startswith(f"params.yaml has no {section}.{key}: ")


@pytest.mark.parametrize("section", ["fetch", "preprocess"])
@pytest.mark.parametrize("content", [None, 3, ["a"]])
def test_a_section_that_is_no_mapping_is_refused(section, content):
    rewrite({section: content})
    assert refusal(compose.stage, section).startswith(f"params.yaml has no section {section!r}: ")


def test_checking_a_configuration_imports_nothing_heavy():
    script = (
        "import sys; from tests.support.recipes import configure; configure(); "
        "from src.config import compose; compose.stage('fetch'); "
        "assert not {'tensorflow', 'keras', 'mlflow', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
