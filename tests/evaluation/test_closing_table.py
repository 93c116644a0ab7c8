import json
import re
from functools import partial

import pytest

from src.core import metric_names, paths
from src.evaluation import closing_table
from tests.support.refusal import refusal

FINAL = {metric_names.BEST_EPOCH: 7, metric_names.BEST_VAL_ACCURACY: 0.99375}
TIMINGS = {metric_names.MEDIAN_EPOCH_SECONDS: 12.345, metric_names.MEDIAN_IMAGES_PER_SECOND: 3056.7}
SCORES = {
    metric_names.TEST_ACCURACY: 1 - 1097 / 28000,
    metric_names.TEST_ERRORS: 1097,
    metric_names.TEST_IMAGES: 28000,
}
ORIGIN = {
    "run_id": "0f" * 16,
    "run_name": "swish-seed1",
    "experiment": "digits",
    "dataset": "kaggle-kaggle",
}


FILES = {
    paths.MODELS / paths.ORIGIN: "run_id, run_name, experiment and dataset",
    paths.MODELS / paths.METRICS: "best_val_accuracy",
    paths.MODELS / paths.TIMINGS: "median_epoch_seconds and median_images_per_second",
    paths.PREDICTIONS / paths.METRICS: "test_accuracy, test_errors and test_images",
}


@pytest.fixture
def written(project):
    """Return a function that writes what train and predict leave, with the given scores."""

    def write(scores=SCORES, origin=ORIGIN):
        contents = dict(zip(FILES, (origin, FINAL, TIMINGS, scores), strict=True))
        for path, content in contents.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content))

    return write


@pytest.fixture
def shown(written, capsys):
    def show(scores=SCORES, suggest=True, **origin):
        written(scores, ORIGIN | origin)
        closing_table.show(closing_table.read(paths.MODELS, paths.PREDICTIONS), suggest)
        return capsys.readouterr().out

    return show


def test_the_table_has_score_speed_submission_and_run(shown):
    text = shown()
    assert text.startswith("swish-seed1")
    assert "0.9608  (95% interval 0.9585 to 0.9630)" in text
    assert "1,097 of 28,000 images" in text
    assert "0.9938" in text
    assert "12.3 s per epoch, 3,057 images/s" in text
    assert "predictions/submission.csv" in text
    assert f"{ORIGIN['run_id']} in digits" in text


@pytest.mark.parametrize(
    ("dataset", "is_kaggles"),
    [("kaggle-any", True), ("files-kaggle", True), ("files-any", False), ("mnist-kaggle", False)],
)
def test_without_labels_it_says_so_and_only_kaggles_data_are_submitted(shown, dataset, is_kaggles):
    text = shown({}, dataset=dataset)
    other = f"not known: {dataset} has no test labels"
    reason = "not known here: Kaggle scores this submission" if is_kaggles else other
    assert re.search(rf"held-out accuracy +│ {reason} +│", text)
    assert "errors" not in text
    assert ("python -m src.submit" in text) == is_kaggles


@pytest.mark.parametrize(
    ("name", "other"), [("swish-seed1", "relu"), ("relu-lenet5-seed1", "gelu")]
)
def test_it_ends_with_commands_to_run_next_with_another_activation(shown, name, other):
    following = shown(run_name=name).split("Next")[1]
    assert "make ui" in following
    assert f"dvc exp run -S activation={other}" in following


def test_between_runs_of_one_command_it_suggests_nothing(shown):
    assert "Next" not in shown(suggest=False)


@pytest.mark.parametrize("path", FILES)
def test_a_missing_or_damaged_file_is_named_with_the_command_that_writes_it(written, project, path):
    written()
    path.write_text('{"other": null}')
    read = partial(closing_table.read, paths.MODELS, paths.PREDICTIONS)
    first = re.split(r",| and ", FILES[path])[0]
    assert refusal(read, unchanged=project) == (
        f"{path} cannot be read (it has no {first!r}), expected a JSON object with "
        f"{FILES[path]}: run `dvc repro` first."
    )
    path.unlink()
    assert refusal(read).startswith(f"{path} does not exist: run `dvc repro` first")


def test_an_untracked_training_has_no_run_to_see(shown):
    text = shown(run_id=None)
    assert "none: mlflow.enabled is false" in text
    assert "make ui" not in text
