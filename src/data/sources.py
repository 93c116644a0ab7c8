"""The data sets, named `<source>-<layout>` as in `mnist-kaggle`: their sizes and classes."""

from src.data.digits import CLASSES

SOURCES = ("mnist", "fashion_mnist", "kaggle", "files")
KAGGLE_ROWS = (42_000, 28_000)  # train, test
LAYOUTS = {"kaggle": KAGGLE_ROWS, "mnist": (60_000, 10_000), "any": None}

SET_PATH = "set it in params.yaml to the folder, or the zip archive, with train.csv and test.csv."

DIGITS = tuple(map(str, range(CLASSES)))
GARMENTS = (  # https://github.com/zalandoresearch/fashion-mnist#labels
    *("T-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)


def class_names(dataset: str) -> tuple[str, ...]:
    """Return the names of a data set's ten classes."""
    return GARMENTS if dataset.startswith("fashion_mnist") else DIGITS


def is_drawn(dataset: str) -> bool:
    """Return whether `fetch.seed` draws a data set's test images."""
    source, _, layout = dataset.rpartition("-")
    return layout == "kaggle" and source not in ("kaggle", "files")


def is_scored_by_kaggle(dataset: str) -> bool:
    """Return whether a data set's test images are those of Kaggle's competition."""
    return dataset.startswith("kaggle-") or dataset == "files-kaggle"
