from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from src.core import paths
from src.data import dataset
from src.demo_page import held_out
from src.demo_page.readers import Reader

LABELS = [7, 2, 1, 0]


def output(wrong):
    """Probabilities that are right but for the images in `wrong`: number -> (digit, p)."""
    rows = np.full((4, 10), 0.001, np.float32)
    rows[range(4), LABELS] = 0.99
    for number, (digit, probability) in wrong.items():
        rows[number, LABELS[number]] = 0.001
        rows[number, digit] = probability
    return rows


def client(**kept):
    """Return a client of a store in which each run, by its ID, has its predictions."""

    def download(run_id, name, folder):
        if run_id not in kept:
            raise OSError("no such artifact")
        path = f"{folder}/{name}"
        if name == paths.PROBABILITIES:
            np.save(path, kept[run_id])
        else:
            pd.DataFrame({"actual": LABELS}).to_csv(path, index=False)
        return path

    return SimpleNamespace(download_artifacts=download)


def reader(name, digest="mine"):
    data = SimpleNamespace(tags={"data_digest": digest})
    return Reader(name, SimpleNamespace(info=SimpleNamespace(run_id=name), data=data), None)


@pytest.fixture
def here(monkeypatch):
    images = np.arange(4 * 784).reshape(4, 28, 28).astype(np.uint8)
    monkeypatch.setattr(dataset, "load", lambda path: {"images": images})
    monkeypatch.setattr(dataset, "load_description", lambda: SimpleNamespace(digest="mine"))
    return images


def test_each_image_is_listed_once_by_its_most_confident_error(here):
    kept = client(ReLU=output({1: (3, 0.7), 2: (8, 0.5)}), Swish=output({1: (3, 0.9)}))
    found = held_out.load(kept, [reader("ReLU"), reader("Swish")])
    assert found.labels.tolist() == LABELS
    listed = [(one.number, one.label, one.reader, one.predicted) for one in found.mistakes]
    assert listed == [(1, 2, "Swish", 3), (2, 1, "ReLU", 8)]


def test_runs_on_other_data_and_runs_without_predictions_are_left_out(here):
    kept = client(ReLU=output({1: (3, 0.7)}))
    found = held_out.load(kept, [reader("ReLU", "other"), reader("Swish")])
    assert len(found.images) == 4
    assert found.labels is None
    assert found.mistakes == []


def test_without_data_on_this_machine_there_are_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(held_out.load(client(), []).images) == 0
