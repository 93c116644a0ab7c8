import numpy as np
import pandas as pd
import pytest

from src.analysis import statistics
from src.core.errors import InputError
from src.reporting import given_runs

ROWS = [
    *(("relu", seed, accuracy) for seed, accuracy in enumerate((0.991, 0.992, 0.9915, 0.9912))),
    *(("silu", seed, accuracy) for seed, accuracy in enumerate((0.9931, 0.9929, 0.9935, 0.9937))),
]


def table(rows=ROWS, columns=("level", "seed", "accuracy"), **more):
    return pd.DataFrame(rows, columns=list(columns)).assign(**more)


@pytest.fixture
def read(tmp_path):
    def read(frame):
        path = tmp_path / "runs.csv"
        frame.to_csv(path, index=False)
        return given_runs.read(path)

    return read


def text(runs, reference=None, smallest_effect=None):
    return "\n".join(given_runs.report(runs, reference, smallest_effect))


def test_runs_with_the_same_seed_are_compared_whatever_the_order_of_the_rows(read):
    runs = read(table().sample(frac=1, random_state=1).sort_values("level", kind="stable"))
    assert runs.is_paired
    assert "runs with the same seed compared" in runs.reading
    difference = np.subtract(*(np.array([row[2] for row in part]) for part in (ROWS[:4], ROWS[4:])))
    expected = statistics.mean_over_seeds(difference)
    [one] = statistics.compare(runs.values)
    found = one.difference
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def test_without_seeds_all_runs_are_independent_and_levels_may_differ_in_their_number(read):
    runs = read(table().drop(columns="seed").iloc[:-1])
    assert not runs.is_paired
    assert "(relu 4, silu 3)" in runs.reading
    assert "silu beats relu" in text(runs)


def test_percentages_are_read_as_such_and_any_first_column_has_the_levels(read):
    runs = read(table(columns=("model", "seed", "test_accuracy")).assign(test_accuracy=99.1))
    assert runs.accuracy["relu"] == pytest.approx([0.991] * 4)
    assert runs.factor.noun == "model"
    assert "column test_accuracy in percent" in runs.reading


def test_predictions_give_the_verdict_of_arrays_for_new_images_too(tmp_path, read):
    random = np.random.default_rng(1)
    correct = {name: random.random((3, 40)) < share for name, share in (("a", 0.9), ("b", 0.8))}
    rows = [
        (name, seed, image, int(right))
        for name, runs in correct.items()
        for seed, one in enumerate(runs)
        for image, right in enumerate(one)
    ]
    of_rows = read(
        table(rows, ("level", "seed", "image", "correct")).sample(frac=1, random_state=2)
    )
    np.savez(tmp_path / "runs.npz", **correct)
    of_arrays = given_runs.read(tmp_path / "runs.npz")
    values = {name: of_rows.values[name] for name in ("a", "b")}
    assert all(np.array_equal(values[name], correct[name]) for name in correct)
    assert statistics.compare(values) == statistics.compare(of_arrays.values)
    assert "accuracies alone" not in text(of_arrays)


def test_accuracies_alone_say_what_they_leave_out_and_how_much_at_most(read):
    assert "accuracies alone do not show how much other images" in text(read(table()))
    said = text(read(table(n=10_000)))
    assert f"an SD of {100 * np.sqrt(2 * 0.008575 * 0.991425 / 10_000):.3f} pp" in said


def test_without_a_smallest_effect_nothing_is_equivalent_and_with_one_it_may_be(read):
    signs = {"a": 1e-5, "b": -1e-5}
    same = [(name, seed, 0.99 + sign * seed) for name, sign in signs.items() for seed in range(5)]
    assert "no pair can be equivalent" in text(read(table(same)))
    assert "are equivalent" in text(read(table(same)), smallest_effect=0.001)


def test_a_reference_is_compared_with_each_and_must_be_there(read):
    rows = [*ROWS, *(("gelu", seed, 0.992 + 1e-4 * seed) for seed in range(4))]
    assert "relu and gelu" not in text(read(table(rows)), reference="silu")
    with pytest.raises(InputError, match="--reference sulu: there is no such level"):
        text(read(table(rows)), reference="sulu")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (table(columns=("level", "seed", "acuracy")), "it has the columns level, seed and acuracy"),
        (table([*ROWS, ("gelu", 7, 0.99), ("gelu", 8, 0.99)]), "its levels have different seeds"),
        (table([*ROWS, ROWS[0]]), "some rows have the same level and seed"),
        (table(ROWS[:4]), "has runs of relu alone: give two levels"),
        (table(ROWS[:5]).drop(columns="seed"), "has 1 run of silu, at least 2 expected"),
        (table(accuracy=[99.1, 0.99] * 4), "has both fractions and percentages"),
        (table(accuracy=-0.5), "has numbers outside 0 to 1, or 0 to 100 percent"),
        (table(accuracy="good"), "could not convert string to float"),
        (table(n=[100, 200] * 4), "the column n differs between rows"),
        (table([]), "it has no rows"),
        (table(level=["relu", None] * 4), "some cells are empty"),
    ],
)
def test_a_table_that_could_be_read_in_two_ways_or_none_is_refused(read, frame, said):
    with pytest.raises(InputError, match=said):
        read(frame)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": np.zeros((3, 4)), "b": np.zeros((3, 5))}, "not arrays of one shape"),
        ({"a": np.full((3, 4), 2), "b": np.zeros((3, 4))}, "a has other values than 0 and 1"),
        ({"a": np.zeros((3, 4))}, "has runs of a alone"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path, arrays, said):
    np.savez(tmp_path / "runs.npz", **arrays)
    with pytest.raises(InputError, match=said):
        given_runs.read(tmp_path / "runs.npz")
    (tmp_path / "runs.npz").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"runs\.npz cannot be read"):
        given_runs.read(tmp_path / "runs.npz")
