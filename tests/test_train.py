import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from src.core import metric_names, paths
from tests.support.commands import (
    SMALL,
    artifacts,
    files,
    git,
    make_project,
    run,
    sentence,
    small_name,
    store,
)

NAME = small_name("swish_beta")
FILES = {
    "model.keras",
    "history.csv",
    "metrics.json",
    "timings.json",
    "run.json",
    "figures/learning_curves.png",
}
PREDICTED = {
    "submission.csv",
    "probabilities.npy",
    "predictions.csv",
    "per_class.csv",
    "metrics.json",
    "figures/confusion_matrix.png",
    "figures/confident_errors.png",
}
# What libraries say of themselves, and progress bars of theirs.
NOISE = re.compile(r"warn|[IWE]0000|onednn|cuda|traceback|━|ms/step|\x1b|hydra", re.IGNORECASE)


@pytest.fixture(scope="module")
def project(small_mnist, tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("project"), small_mnist)


# Mistakes


def test_help_lists_the_choices_without_importing_tensorflow(project, no_heavy_imports):
    before = files(project)
    done = run(project, "src.train", "--help", PYTHONPATH=no_heavy_imports)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "activation: e_swish, elu, gelu, hard_swish" in done.stdout
    assert "\nepochs: 14\n" in done.stdout
    assert files(project) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("activation=swihs", "activation=swihs .*'swish'.* elu, .*relu, .*swish, swish_beta, tanh"),
        ("epohcs=3", "epohcs.*epochs"),
        ("model.dropuot=0.1", r"model\.dropuot.*dropout"),
        ("epochs=-1", "epochs=-1 .* 1 to "),
        ("epochs=abc", r"epochs is a text \(abc\)"),
        ("activation=swish_beta activation.beta=abc", r"activation\.beta=abc .*number"),
        ("seed=1,2", "seed=1,2 lists several values: .*-m"),
        ("seed", "seed.*key=value"),
        ("activation=null", "Got NoneType.*file"),
        ("-m activation=relu,swihs", "activation=swihs .*'swish'"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_file(project, no_heavy_imports, words, said):
    before = files(project)
    done = run(project, "src.train", *words.split(), PYTHONPATH=no_heavy_imports)
    assert re.search(said, sentence(done)), done.stderr
    assert done.stdout == ""
    assert files(project) == before


@pytest.mark.parametrize("words", [(), ("-m", "seed=1,2")])
def test_training_without_data_says_which_step_comes_first(
    small_mnist, tmp_path, no_heavy_imports, words
):
    project = make_project(tmp_path, small_mnist, processed=False)
    before = files(project)
    done = run(project, "src.train", *words, PYTHONPATH=no_heavy_imports)
    said = sentence(done)
    assert "data/processed/dataset.json does not exist" in said
    assert "dvc repro preprocess" in said
    assert files(project) == before


def test_a_mistake_in_a_new_activations_file_is_one_sentence(
    small_mnist, tmp_path, no_heavy_imports
):
    project = make_project(tmp_path, small_mnist)
    mine = project / "conf" / "activation" / "mine.yaml"
    mine.write_text("_target_: src.training.activations.ESwish\nbeta 3")
    said = sentence(run(project, "src.train", "activation=mine", PYTHONPATH=no_heavy_imports))
    assert "conf/activation/mine.yaml" in said


@pytest.mark.slow
def test_an_activation_file_that_cannot_be_built_is_named_and_nothing_is_made(
    small_mnist, tmp_path
):
    project = make_project(tmp_path, small_mnist)
    mine = project / "conf" / "activation" / "mine.yaml"
    mine.write_text("_target_: src.training.activations.ESwish\nbetta: 3")
    before = files(project)
    said = sentence(run(project, "src.train", *SMALL, "activation=mine"))
    assert "conf/activation/mine.yaml cannot be built" in said
    assert "betta" in said
    assert files(project) == before


# A training


def test_a_training_prints_its_epochs_and_its_result_and_nothing_else(trained):
    assert trained.done.stderr == ""
    first, *epochs = trained.done.stdout.splitlines()[:7]
    assert first == f"{NAME} · mlp · 540 images of files-any · 5 epochs"
    loading, *epochs = epochs
    assert loading == "Loading TensorFlow; the first epoch also compiles: up to 15 s ..."
    for number, line in enumerate(epochs, 1):
        title, _, told = line.partition(f" · epoch {number}/5 · ")
        assert title.startswith("swish_beta-")
        assert title.endswith("-seed1")
        assert "val_acc 0." in told
        assert len(line) <= 80
        assert line.endswith(" left") == (number < 5)
    rest = trained.done.stdout.splitlines()[7:]
    accuracy = trained.run.data.metrics[metric_names.TEST_ACCURACY]
    assert f"{accuracy:.4f}" in "\n".join(rest)
    assert str(trained.out.relative_to(trained.project) / "predictions/submission.csv") in (
        "\n".join(rest)
    )
    assert trained.run.info.run_id in "\n".join(rest)
    assert not NOISE.search(trained.done.stdout), trained.done.stdout


def test_a_training_leaves_its_files_in_its_own_folder(trained):
    found = {name for name in files(trained.out) if (trained.out / name).is_file()}
    expected = FILES | {f"predictions/{name}" for name in PREDICTED}
    assert {name for name in found if not name.startswith(".hydra/")} - {"train.log"} == expected
    assert re.fullmatch(r"\d\d-\d\d-\d\d-swish_beta-seed1", trained.out.name)
    origin = json.loads((trained.out / paths.ORIGIN).read_text())
    assert origin["run_id"] == trained.run.info.run_id
    assert origin["run_name"] == NAME
    assert origin["experiment"] == "digit-recognizer"
    submission = (trained.out / "predictions" / "submission.csv").read_text().splitlines()
    assert submission[0] == "ImageId,Label"
    assert [line.split(",")[0] for line in submission[1:]] == [str(i) for i in range(1, 201)]


def test_a_finished_training_leaves_no_checkpoint_and_no_half_written_file(trained):
    assert not list(trained.project.glob("checkpoints/*/*"))
    assert not list(trained.project.rglob(".writing-*"))


def test_the_run_has_the_flat_configuration_as_params(trained):
    expected = {
        "activation._target_": "src.training.activations.SwishBeta",
        **{"activation.beta": "1.0", "model.units": "[16]", "optimizer.learning_rate": "0.013"},
        **{"epochs": "5", "batch_size": "4", "seed": "1"},
    }
    assert expected.items() <= trained.run.data.params.items()


def test_the_run_has_tags_to_filter_by(trained):
    tags = trained.run.data.tags
    chosen = (tags["activation"], tags["model"], tags["experiment"])
    assert chosen == ("swish_beta", "mlp", "default")
    assert tags["git_commit"] == git(trained.project, "rev-parse", "HEAD")
    assert tags["git_dirty"] == "false"
    described = json.loads((trained.project / paths.DATASET).read_text())
    assert tags["data_digest"] == described["digest"]
    assert "src.train" in tags["command"]
    assert trained.run.info.run_name == NAME
    assert trained.run.info.status == "FINISHED"


def test_the_run_has_both_data_sets_as_inputs(trained):
    inputs = trained.run.inputs.dataset_inputs
    contexts = {tag.value for one in inputs for tag in one.tags}
    assert contexts == {"training", "validation"}
    described = json.loads((trained.project / paths.DATASET).read_text())
    assert all(one.dataset.name.startswith(described["name"]) for one in inputs)


def test_the_run_has_every_epochs_metrics_at_steps_from_1(trained):
    history = pd.read_csv(trained.out / paths.HISTORY)
    assert list(history[metric_names.EPOCH]) == [1, 2, 3, 4, 5]
    betas = [name for name in history if name.startswith(metric_names.BETA)]
    assert betas
    client = store(trained.project)
    for name in history.columns.drop(metric_names.EPOCH):
        logged = client.get_metric_history(trained.run.info.run_id, name)
        assert [point.step for point in logged] == [1, 2, 3, 4, 5]
        assert np.allclose([point.value for point in logged], history[name])


def test_the_run_has_the_final_metrics_and_the_score(trained):
    final = json.loads((trained.out / paths.METRICS).read_text())
    scores = json.loads((trained.out / "predictions" / "metrics.json").read_text())
    found = trained.run.data.metrics
    assert final[metric_names.BEST_VAL_ACCURACY] == max(
        pd.read_csv(trained.out / paths.HISTORY)[metric_names.VAL_ACCURACY]
    )
    assert {name: found[name] for name in final} == final
    assert {name: found[name] for name in scores} == scores
    assert scores[metric_names.TEST_IMAGES] == 200


def test_the_run_keeps_history_configuration_figures_and_submission(trained):
    kept = artifacts(trained.project, trained.run.info.run_id)
    assert kept >= {"history.csv", "config.yaml", "figures/learning_curves.png", *PREDICTED}
    root = trained.project / "mlruns" / trained.run.info.run_id / "artifacts"
    made = trained.out / "predictions" / "submission.csv"
    assert (root / "submission.csv").read_bytes() == made.read_bytes()
    assert yaml.safe_load((root / "config.yaml").read_text())["epochs"] == 5


def test_the_run_keeps_the_model_with_its_code_and_signature(trained):
    [logged] = trained.run.outputs.model_outputs
    model = trained.project / "mlruns" / "models" / logged.model_id / "artifacts"
    assert (model / "code" / "src" / "training" / "activations.py").is_file()
    described = yaml.safe_load((model / "MLmodel").read_text())
    assert '"dtype": "float32", "shape": [-1, 10]' in described["signature"]["outputs"]
    assert (model / "requirements.txt").read_text().startswith("tensorflow==")
