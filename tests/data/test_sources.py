import pytest

from src.data import digits, sources


def test_only_kaggles_layout_of_a_mirrored_data_set_is_drawn():
    names = {f"{source}-{layout}" for source in sources.SOURCES for layout in sources.LAYOUTS}
    drawn = {name for name in names if sources.is_drawn(name)}
    assert drawn == {"mnist-kaggle", "fashion_mnist-kaggle"}


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
