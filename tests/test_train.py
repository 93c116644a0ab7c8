import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from src.core import metric_names, paths
from tests.support import commands
from tests.support.commands import SMALL, files, git, make_project, run, sentence, small_name, store

NAME = small_name("swish_beta")
CURVES = "figures/learning_curves.png"
FILES = {"model.keras", "history.csv", "metrics.json", "timings.json", "run.json", CURVES}
FIGURES = {"figures/confusion_matrix.png", "figures/confident_errors.png"}
TABLES = {"submission.csv", "probabilities.npy", "predictions.csv", "per_class.csv"}
PREDICTED = {*TABLES, *FIGURES, "metrics.json"}
# Messages and progress bars of libraries.
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
    said = sentence(run(project, "src.train", *words, PYTHONPATH=no_heavy_imports))
    assert "data/processed/dataset.json does not exist" in said
    assert "dvc repro preprocess" in said
    assert files(project) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "found"), [("beta 3", r"mine.yaml\", line 2"), ("betta: 3", "mine.yaml .*betta")]
)
def test_a_mistake_in_a_new_activations_file_is_named_and_leaves_no_file(
    line, found, small_mnist, tmp_path
):
    project = make_project(tmp_path, small_mnist)
    mine = project / "conf" / "activation" / "mine.yaml"
    mine.write_text(f"_target_: src.training.activations.ESwish\n{line}")
    before = files(project)
    said = sentence(run(project, "src.train", *SMALL, "activation=mine"))
    assert re.search(f"conf/activation/{found}", said)
    assert files(project) == before


# A training


def test_a_training_prints_its_epochs_and_its_result_and_nothing_else(trained):
    assert trained.done.stderr == ""
    first, loading, *lines = trained.done.stdout.splitlines()
    assert first == f"{NAME} · mlp · 540 images of files-any · 5 epochs"
    assert loading == "Loading TensorFlow; the first epoch also compiles: up to 15 s ..."
    for number, line in enumerate(lines[:5], 1):
        assert re.match(rf"swish_beta-\S*-seed1 · epoch {number}/5 · .*val_acc 0\.", line)
        assert len(line) <= 80
        assert line.endswith(" left") == (number < 5)
    rest = "\n".join(lines[5:])
    assert f"{trained.run.data.metrics[metric_names.TEST_ACCURACY]:.4f}" in rest
    assert str(trained.out.relative_to(trained.project) / "predictions/submission.csv") in rest
    assert trained.run.info.run_id in rest
    assert not NOISE.search(trained.done.stdout), trained.done.stdout


def test_a_training_leaves_its_files_in_its_own_folder(trained):
    found = {name for name in files(trained.out) if (trained.out / name).is_file()}
    expected = FILES | {f"predictions/{name}" for name in PREDICTED}
    assert {name for name in found if not name.startswith(".hydra/")} - {"train.log"} == expected
    assert re.fullmatch(r"\d\d-\d\d-\d\d-swish_beta-seed1", trained.out.name)
    origin = json.loads((trained.out / paths.ORIGIN).read_text())
    run_id = trained.run.info.run_id
    expected = {"run_id": run_id, "run_name": NAME, "experiment": commands.EXPERIMENT}
    assert origin.items() >= expected.items()
    submission = (trained.out / "predictions" / "submission.csv").read_text().splitlines()
    assert submission[0] == "ImageId,Label"
    assert [line.split(",")[0] for line in submission[1:]] == [str(i) for i in range(1, 201)]


def test_a_finished_training_leaves_no_checkpoint_and_no_half_written_file(trained):
    assert not list(trained.project.glob("checkpoints/*/*"))
    assert not list(trained.project.rglob(".writing-*"))


def test_the_run_has_the_flat_configuration_as_params(trained):
    assert (
        trained.run.data.params.items()
        >= {
            "activation._target_": "src.training.activations.SwishBeta",
            "activation.beta": "1.0",
            "model.units": "[16]",
            "optimizer.learning_rate": "0.013",
            "epochs": "5",
            "batch_size": "4",
            "seed": "1",
        }.items()
    )


def test_the_run_has_tags_to_filter_by(trained):
    described = json.loads((trained.project / paths.DATASET).read_text())
    tags = trained.run.data.tags
    assert (
        tags.items()
        >= {
            "activation": "swish_beta",
            "model": "mlp",
            "experiment": "default",
            "git_commit": git(trained.project, "rev-parse", "HEAD"),
            "git_dirty": "false",
            "data_digest": described["digest"],
        }.items()
    )
    assert "src.train" in tags["command"]
    assert (trained.run.info.run_name, trained.run.info.status) == (NAME, "FINISHED")
    inputs = trained.run.inputs.dataset_inputs  # both data sets
    assert {tag.value for one in inputs for tag in one.tags} == {"training", "validation"}
    assert all(one.dataset.name.startswith(described["name"]) for one in inputs)


def test_the_run_has_every_epochs_metrics_at_steps_from_1(trained):
    history = pd.read_csv(trained.out / paths.HISTORY)
    assert list(history[metric_names.EPOCH]) == [1, 2, 3, 4, 5]
    assert any(name.startswith(metric_names.BETA) for name in history)
    client = store(trained.project)
    for name in history.columns.drop(metric_names.EPOCH):
        logged = client.get_metric_history(trained.run.info.run_id, name)
        assert [point.step for point in logged] == [1, 2, 3, 4, 5]
        assert np.allclose([point.value for point in logged], history[name])


def test_the_run_has_the_final_metrics_and_the_score(trained):
    final = json.loads((trained.out / paths.METRICS).read_text())
    scores = json.loads((trained.out / "predictions" / "metrics.json").read_text())
    found = trained.run.data.metrics
    history = pd.read_csv(trained.out / paths.HISTORY)
    assert final[metric_names.BEST_VAL_ACCURACY] == max(history[metric_names.VAL_ACCURACY])
    assert {name: found[name] for name in final} == final
    assert {name: found[name] for name in scores} == scores
    assert scores[metric_names.TEST_IMAGES] == 200


def test_the_run_keeps_history_configuration_figures_and_submission(trained):
    kept = commands.artifacts(trained.project, trained.run.info.run_id)
    assert kept >= {"history.csv", "config.yaml", CURVES, *PREDICTED}
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
