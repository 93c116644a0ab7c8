import json
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from src.core import metric_names, paths
from src.core.checksum import sha256
from src.core.errors import InputError
from src.data import dataset, mirrors, provenance, write_csv
from src.evaluation import figures, predictions, scoring
from tests.support.contents import contents


class Knowing:
    """Stands in for a model: gives each image the scores that were set for it."""

    def __init__(self, images, scores):
        self.scores = {image.tobytes(): row for image, row in zip(images, scores, strict=True)}

    def predict(self, batches, verbose):
        assert verbose == 0
        return np.stack([self.scores[x.tobytes()] for part in batches for x in part.numpy()])


@pytest.fixture
def images(sample):
    return sample[mirrors.TEST_IMAGES]


@pytest.fixture
def labels(sample):
    return sample[mirrors.TEST_LABELS]


@pytest.fixture
def prepared(project, images, labels):
    """A project with the test images, and their labels as the solution."""
    paths.PROCESSED.mkdir(parents=True)
    paths.RAW.mkdir()
    np.savez(paths.TEST, images=images)
    write_csv.submission(paths.SAMPLE_SUBMISSION_CSV, np.zeros(len(images), np.uint8))
    write_csv.submission(paths.SOLUTION_CSV, labels)
    keep_provenance()
    return project


def keep_provenance():
    """Write provenance.json for the files that are there, as fetch does."""
    files = (paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)
    facts = {"source": "files", "layout": "any"}
    provenance.write(paths.PROVENANCE, facts, {path.name: sha256(path) for path in files})


@pytest.fixture
def model(images, labels):
    """A model like one with a sigmoid head, that takes the first three images for their labels'
    successors, the second of them with the most confidence.
    """
    scores = np.full((len(images), 10), 0.1, np.float32)
    scores[np.arange(len(images)), labels] = 0.9
    for place, score in ((0, 0.91), (1, 0.99), (2, 0.95)):
        scores[place, (labels[place] + 1) % 10] = score
    return Knowing(images, scores)


def write(model):
    """Predict and score the project's test images, as the stage does."""
    test_images = dataset.load(paths.TEST)["images"]
    labels = predictions.held_out_labels(len(test_images))
    return predictions.write(model, test_images, labels, paths.PREDICTIONS)


@pytest.mark.parametrize(
    ("scores", "expected"), [([0.2, 0.6], [0.25, 0.75]), ([1e-38] * 10, [0.1] * 10)]
)
def test_probabilities_are_the_scores_divided_by_their_sum(scores, expected):
    found = predictions.probabilities(np.array([scores], np.float32))
    np.testing.assert_allclose(found, [expected], rtol=1e-4)
    assert found.dtype == np.float32


def test_the_submission_has_an_id_from_1_and_the_predicted_digit_of_each_image(
    prepared, model, labels
):
    written = write(model)
    expected = labels.astype(int)
    expected[:3] = (expected[:3] + 1) % 10
    lines = [f"{number},{digit}" for number, digit in enumerate(expected, 1)]
    assert written.submission.read_text().splitlines() == ["ImageId,Label", *lines]
    kept = np.load(written.folder / "probabilities.npy")
    assert (kept.shape, kept.dtype) == ((200, 10), np.float32)
    np.testing.assert_allclose(kept.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(kept.argmax(axis=1), expected)


def test_with_the_labels_known_the_score_the_tables_and_the_figures_are_written(
    prepared, model, labels
):
    written = write(model)
    assert written.scores[metric_names.TEST_ERRORS] == 3
    assert written.scores[metric_names.TEST_ACCURACY] == 197 / 200
    compared = json.loads((written.folder / "metrics.json").read_text())
    assert compared == {name: written.scores[name] for name in scoring.COMPARED}
    pairs = pd.read_csv(written.folder / "predictions.csv")
    assert pairs["actual"].tolist() == labels.tolist()
    assert (pairs["actual"] != pairs["predicted"]).sum() == 3
    assert pd.read_csv(written.folder / "per_class.csv")["errors"].sum() == 3
    for name in ("confusion_matrix", "confident_errors"):
        assert (written.folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_figure_of_errors_gets_the_wrong_images_with_the_most_confident_first(
    prepared, model, images, labels, monkeypatch
):
    draw = Mock(wraps=figures.confident_errors)
    monkeypatch.setattr(figures, "confident_errors", draw)
    write(model)
    shown, true, rows = draw.call_args.args
    np.testing.assert_array_equal(shown, images[[1, 2, 0]])
    np.testing.assert_array_equal(true, labels[[1, 2, 0]])
    np.testing.assert_array_equal(rows.argmax(axis=1), (labels[[1, 2, 0]] + 1) % 10)


def test_without_the_labels_every_output_exists_and_claims_nothing(prepared, model):
    write_csv.submission(paths.SOLUTION_CSV, None)
    keep_provenance()
    written = write(model)
    assert written.scores == {}
    assert json.loads((written.folder / "metrics.json").read_text()) == {}
    assert (written.folder / "predictions.csv").read_text() == "actual,predicted\n"
    assert not (written.folder / "per_class.csv").read_text().strip()
    assert list((written.folder / "figures").iterdir()) == []
    assert len(written.submission.read_text().splitlines()) == 201


def test_predicting_twice_replaces_the_first_outputs_with_the_same_bytes(prepared, model):
    first = {path: path.read_bytes() for path in write(model).artifacts}
    (paths.PREDICTIONS / "left over.txt").touch()
    artifacts = write(model).artifacts
    assert {path: path.read_bytes() for path in artifacts} == first
    figures_folder = paths.PREDICTIONS / "figures"
    drawn = {figures_folder / f"{name}.png" for name in ("confident_errors", "confusion_matrix")}
    assert {path for path, folder in artifacts.items() if folder == "figures"} == drawn
    assert {path.parent for path, folder in artifacts.items() if folder == ""} == {
        paths.PREDICTIONS
    }


def shorten(path):
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


@pytest.mark.parametrize("path", [paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV])
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("unlink", "is missing: run fetch first (dvc repro, or python -m src.fetch)."),
        (
            "shorten",
            "does not match its SHA-256 in data/raw/provenance.json: run fetch again (dvc repro, "
            "or python -m src.fetch); to use a file of your own, put it into the folder that "
            "fetch.path names, with fetch.source=files in params.yaml.",
        ),
        (
            "shorten and fetch",
            "has 199 data rows, 200 expected (fetch.layout in params.yaml and test.csv say how "
            "many). Fix the file where it came from, then fetch it again (python -m src.fetch).",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused_and_the_old_outputs_stay(
    prepared, model, path, harm, said
):
    write(model)
    path.unlink() if harm == "unlink" else shorten(path)
    if harm == "shorten and fetch":
        keep_provenance()
    before = contents(prepared)
    with pytest.raises(InputError) as caught:
        write(model)
    assert str(caught.value) == f"{path} {said}"
    assert contents(prepared) == before
