import json

import pytest

from src.evaluation import closing_table
from src.runtime import metric_names, paths
from src.runtime.errors import InputError

FINAL = {
    metric_names.BEST_EPOCH: 7,
    metric_names.BEST_VAL_ACCURACY: 0.99375,
    metric_names.BEST_VAL_LOSS: 0.5,
    metric_names.MEDIAN_EPOCH_SECONDS: 12.345,
    metric_names.MEDIAN_IMAGES_PER_SECOND: 3056.7,
    metric_names.TRAIN_SECONDS: 100.0,
}
SCORES = {
    metric_names.TEST_ACCURACY: 0.99654,
    metric_names.TEST_ACCURACY_LOW: 0.99578,
    metric_names.TEST_ACCURACY_HIGH: 0.99717,
    metric_names.TEST_ERRORS: 1097,
    metric_names.TEST_IMAGES: 28000,
}
ORIGIN = {"run_id": "0f" * 16, "run_name": "swish-seed1", "experiment": "digits"}


@pytest.fixture
def written(project):
    """Return a function that writes what train and predict leave, with the given scores."""

    def write(scores, origin=ORIGIN):
        for path, content in (
            (paths.MODELS / paths.METRICS, FINAL),
            (paths.MODELS / paths.ORIGIN, origin),
            (paths.PREDICTIONS / paths.METRICS, scores),
        ):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content))

    return write


@pytest.fixture
def shown(written, capsys):
    def show(scores):
        written(scores)
        closing_table.show(paths.MODELS, paths.PREDICTIONS)
        return capsys.readouterr().out

    return show


def test_the_table_tells_score_speed_submission_and_run(shown):
    text = shown(SCORES)
    assert text.startswith("swish-seed1")
    for part in (
        "0.9965  (95% interval 0.9958 to 0.9972)",
        "1,097 of 28,000 images",
        "0.9938",
        "12.3 s per epoch, 3,057 images/s",
        "predictions/submission.csv",
        f"{ORIGIN['run_id']} in digits",
    ):
        assert part in text


def test_without_known_labels_it_says_so_and_how_to_get_a_score(shown):
    text = shown({})
    assert "not known here" in text
    assert "errors" not in text
    assert "python -m src.submit" in text


def test_it_ends_with_commands_to_type_next(shown):
    following = shown(SCORES).split("Next")[1]
    assert "make ui" in following
    assert "dvc exp run -S activation=" in following


@pytest.mark.parametrize(
    "path",
    [
        paths.MODELS / paths.METRICS,
        paths.MODELS / paths.ORIGIN,
        paths.PREDICTIONS / paths.METRICS,
    ],
)
def test_what_is_missing_is_named_with_the_command_that_makes_it(written, path):
    written(SCORES)
    path.unlink()
    with pytest.raises(InputError, match="run `dvc repro` first") as caught:
        closing_table.show(paths.MODELS, paths.PREDICTIONS)
    assert str(caught.value).startswith(f"{path} does not exist")


def test_a_training_that_was_not_tracked_is_told_so(written, capsys):
    written(SCORES, ORIGIN | {"run_id": None})
    closing_table.show(paths.MODELS, paths.PREDICTIONS)
    text = capsys.readouterr().out
    assert "none: mlflow.enabled is false" in text
    assert "make ui" not in text
