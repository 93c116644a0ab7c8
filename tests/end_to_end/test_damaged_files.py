"""A damaged file is refused in one sentence or read correctly, whatever the damage.

Only `make drill` runs this, with 300 different damages of most files; those of `make test` are in
tests/data/test_damage.py.
"""

import contextlib
import json
import time

import numpy as np
import pytest

from src.core import paths
from src.core.read_json import read_json
from src.data import dataset, read_csv
from src.training import checkpoint
from tests.support import drill
from tests.support.commands import make_project
from tests.support.damage import damaged, outcome

REMEDY = "run it again."


@pytest.fixture(scope="module")
def project(small_mnist, tmp_path_factory):
    folder = make_project(tmp_path_factory.mktemp("damaged") / "project", small_mnist)
    with contextlib.chdir(folder):
        yield folder


@pytest.fixture
def damages(request):
    """A function that damages a file again and again for a reader."""
    if not request.config.getoption("--drill"):
        pytest.skip("a part of the drill")

    def each(path, read, most=300):
        """Damage a file `most` times; `read` returns whether its result can be used."""
        result = drill.Result(f"{path.name}, damaged", None)
        request.config.stash[drill.RESULTS].append(result)
        whole, began = path.read_bytes(), time.monotonic()
        for seed in range(most):
            problems = []
            try:
                outcome(path, damaged(whole, seed), read, bool)
            except Exception as error:
                problems = [f"{type(error).__name__}: {error}"]
            result.trials.append(drill.Trial(seed, "damaged", problems))
        path.write_bytes(whole)
        result.seconds = time.monotonic() - began
        failed = [one for one in result.trials if one.problems]
        assert not failed, "\n".join(f"seed {one.number}: {one.problems[0]}" for one in failed)

    return each


@pytest.mark.parametrize("path", dataset.PARTS, ids=str)
def test_an_archive_of_arrays_is_refused_or_has_the_very_arrays(path, project, damages):
    right = dataset.load_all()

    def read():
        found = dataset.load_all()
        pairs = [(found[part][name], right[part][name]) for part in right for name in right[part]]
        return all(np.array_equal(*pair) for pair in pairs)

    damages(path, read)


def test_a_json_file_is_refused_or_has_its_keys_with_their_types(project, damages):
    keys = {"name": str, "digest": str, "counts": dict}

    def read():
        found = read_json(paths.DATASET, keys, REMEDY)
        return all(isinstance(found[key], kind) for key, kind in keys.items())

    damages(paths.DATASET, read)


def test_the_images_csv_is_refused_or_has_as_many_images(project, damages):
    def read():
        images, labels = read_csv.train(paths.TRAIN_CSV, 600)
        assert images.dtype == labels.dtype == np.uint8
        return images.shape == (600, 28, 28) and labels.shape == (600,) and labels.max() < 10

    damages(paths.TRAIN_CSV, read, most=100)  # it has 785 columns


def test_the_labels_csv_is_refused_or_has_as_many_labels(project, damages):
    def read():
        labels = read_csv.solution(paths.SOLUTION_CSV, 200)
        return labels is None or (labels.shape == (200,) and labels.max() < 10)

    damages(paths.SOLUTION_CSV, read)


def test_of_a_checkpoint_the_state_before_it_is_left(tmp_path, damages, capsys):
    file = tmp_path / "checkpoint"
    states = []
    for epoch in (1, 2):
        history = [{"epoch": float(number), "loss": 0.5} for number in range(1, epoch + 1)]
        weights = [np.full((20, 10), epoch, np.float32), np.arange(10)]
        states.append(checkpoint.State("a-run", "outputs", history, [], weights, weights))
        checkpoint.save(file, states[-1])

    def read():
        capsys.readouterr()
        found = checkpoint.load(file)
        said = capsys.readouterr().out
        if not said:
            return _same(found, states[1])
        return _same(found, states[0]) and f"The checkpoint {file} is damaged" in said

    damages(file, read)


def _same(one, other):
    arrays = zip(one.best + one.current, other.best + other.current, strict=True)
    return (
        one.run_id == other.run_id
        and json.dumps([one.history, one.plateaus]) == json.dumps([other.history, other.plateaus])
        and all(np.array_equal(*pair) for pair in arrays)
    )
