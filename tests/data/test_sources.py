import pytest

from src.data import digits, sources


@pytest.mark.parametrize(
    ("dataset", "first", "last"),
    [
        ("mnist-kaggle", "0", "9"),
        ("kaggle-kaggle", "0", "9"),
        ("fashion_mnist-mnist", "T-shirt", "ankle boot"),
        ("", "0", "9"),
    ],
)
def test_classes_have_the_names_of_the_data(dataset, first, last):
    names = sources.class_names(dataset)
    assert (names[0], names[-1]) == (first, last)
    assert len(set(names)) == digits.CLASSES
