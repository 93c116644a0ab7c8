import json
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from src.core import metric_names, paths
from src.core.checksum import sha256
from src.core.errors import InputError
from src.data import mirrors, provenance, write_csv
from src.evaluation import figures, held_out_labels, predictions, scoring
from tests.support.contents import contents

CSVS = (paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)


@pytest.fixture
def images(sample):
    return sample[mirrors.TEST_IMAGES]


@pytest.fixture
def labels(sample):
    return sample[mirrors.TEST_LABELS]


@pytest.fixture
def write(project, images, labels):
    """Return a function that predicts with a model like one with a sigmoid head, which takes the
    first three images for their labels' successors, the second of them with the most confidence.
    """
    paths.RAW.mkdir(parents=True)
    write_csv.submission(paths.SAMPLE_SUBMISSION_CSV, np.zeros(len(images), np.uint8))
    write_csv.submission(paths.SOLUTION_CSV, labels)
    keep_provenance()
    scores = np.full((len(images), 10), 0.1, np.float32)
    scores[np.arange(len(images)), labels] = 0.9
    scores[range(3), (labels[:3] + 1) % 10] = [0.91, 0.99, 0.95]
    rows = {image.tobytes(): row for image, row in zip(images, scores, strict=True)}

    def predict(batches, verbose):
        return np.stack([rows[image.tobytes()] for part in batches for image in part.numpy()])

    def write():
        known = held_out_labels.read(len(images))
        return predictions.write(Mock(predict=predict), images, known, paths.PREDICTIONS)

    return write


def keep_provenance():
    """Write provenance.json for the files that are there, as fetch does."""
    facts = {"source": "files", "layout": "any"}
    provenance.write(paths.PROVENANCE, facts, {path.name: sha256(path) for path in CSVS})


@pytest.mark.parametrize(
    ("scores", "expected"), [([0.2, 0.6], [0.25, 0.75]), ([1e-38] * 10, [0.1] * 10)]
)
def test_probabilities_are_the_scores_divided_by_their_sum(scores, expected):
    found = predictions.probabilities(np.array([scores], np.float32))
    np.testing.assert_allclose(found, [expected], rtol=1e-4)
    assert found.dtype == np.float32


def test_the_submission_has_an_id_from_1_and_the_predicted_digit_of_each_image(write, labels):
    written = write()
    expected = labels.astype(int)
    expected[:3] = (expected[:3] + 1) % 10
    lines = [f"{number},{digit}" for number, digit in enumerate(expected, 1)]
    assert written.submission.read_text().splitlines() == ["ImageId,Label", *lines]
    kept = np.load(written.folder / "probabilities.npy")
    assert (kept.shape, kept.dtype) == ((200, 10), np.float32)
    np.testing.assert_allclose(kept.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(kept.argmax(axis=1), expected)


def test_with_the_labels_known_the_score_and_the_tables_are_written(write, labels):
    written = write()
    assert written.scores[metric_names.TEST_ERRORS] == 3
    assert written.scores[metric_names.TEST_ACCURACY] == 197 / 200
    compared = json.loads((written.folder / "metrics.json").read_text())
    assert compared.keys() == written.scores.keys() - {*scoring.BOUNDS}
    assert compared.items() <= written.scores.items()
    pairs = pd.read_csv(written.folder / "predictions.csv")
    assert pairs["actual"].tolist() == labels.tolist()
    assert (pairs["actual"] != pairs["predicted"]).sum() == 3
    assert pd.read_csv(written.folder / "per_class.csv")["errors"].sum() == 3


def test_the_figure_of_errors_gets_the_wrong_images_with_the_most_confident_first(
    write, images, labels, monkeypatch
):
    draw = Mock(wraps=figures.confident_errors)
    monkeypatch.setattr(figures, "confident_errors", draw)
    write()
    shown, true, rows = draw.call_args.args
    np.testing.assert_array_equal(shown, images[[1, 2, 0]])
    np.testing.assert_array_equal(true, labels[[1, 2, 0]])
    np.testing.assert_array_equal(rows.argmax(axis=1), (labels[[1, 2, 0]] + 1) % 10)


def test_without_the_labels_every_output_exists_and_claims_nothing(write):
    write_csv.submission(paths.SOLUTION_CSV, None)
    keep_provenance()
    written = write()
    assert written.scores == {}
    assert json.loads((written.folder / "metrics.json").read_text()) == {}
    assert (written.folder / "predictions.csv").read_text() == "actual,predicted\n"
    assert not (written.folder / "per_class.csv").read_text().strip()
    assert list((written.folder / "figures").iterdir()) == []
    assert len(written.submission.read_text().splitlines()) == 201


def test_predicting_twice_replaces_the_first_outputs_with_the_same_bytes(write):
    first = {path: path.read_bytes() for path in write().artifacts}
    (paths.PREDICTIONS / "left over.txt").touch()
    artifacts = write().artifacts
    assert {path: path.read_bytes() for path in artifacts} == first
    drawn = {path.name: path.read_bytes() for path, to in artifacts.items() if to == "figures"}
    assert drawn.keys() == {"confident_errors.png", "confusion_matrix.png"}
    assert all(picture.startswith(b"\x89PNG") for picture in drawn.values())
    assert {path.parent for path, to in artifacts.items() if to == ""} == {paths.PREDICTIONS}


@pytest.mark.parametrize("path", CSVS)
def test_labels_of_other_images_are_refused_and_the_old_outputs_stay(write, path):
    write()
    before = contents(paths.PREDICTIONS)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match=f"^{path} does not match its SHA-256 in data/raw"):
        write()
    keep_provenance()
    with pytest.raises(InputError, match=f"^{path} has 199 data rows, 200 expected"):
        write()
    path.unlink()
    with pytest.raises(InputError, match=f"^{path} is missing: run fetch first"):
        write()
    assert contents(paths.PREDICTIONS) == before
