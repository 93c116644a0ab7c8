from itertools import combinations

import numpy as np
import pytest

from src.analysis import ensemble


def votes(random, seeds, images=200, classes=10):
    labels = random.integers(classes, size=images)
    rows = random.dirichlet(np.ones(classes), (seeds, images))
    rows[:, np.arange(images), labels] += random.uniform(0, 1.2, images)
    return (rows / rows.sum(axis=-1, keepdims=True)).astype(np.float32), labels


def test_few_seeds_are_combined_in_every_way():
    probabilities, labels = votes(np.random.default_rng(1), 5)
    found = ensemble.curve(probabilities, labels)
    assert found.members.tolist() == [1, 2, 3, 4, 5]
    assert found.subsets.tolist() == [5, 10, 10, 5, 1]
    for place, size in enumerate(found.members):
        shares = [
            (probabilities[list(subset)].mean(axis=0).argmax(axis=1) == labels).mean()
            for subset in combinations(range(5), size)
        ]
        assert found.mean[place] == pytest.approx(np.mean(shares))
        assert (found.low[place], found.high[place]) == pytest.approx((min(shares), max(shares)))


def test_of_many_seeds_different_subsets_are_drawn_and_repeatable():
    probabilities, labels = votes(np.random.default_rng(2), 12, images=50)
    found = ensemble.curve(probabilities, labels)
    assert found.subsets.tolist() == [12, 66, *[200] * 7, 66, 12, 1]
    again = ensemble.curve(probabilities, labels)
    assert found.mean.tolist() == again.mean.tolist()
    assert found.mean.tolist() != ensemble.curve(probabilities, labels, seed=1).mean.tolist()
