"""What the images are, where they may come from, and how many there are of them."""

SIDE = 28  # pixels
CLASSES = 10

SOURCES = ("mnist", "fashion_mnist", "kaggle", "files")
KAGGLE_ROWS = (42_000, 28_000)  # train, test
LAYOUTS = {"kaggle": KAGGLE_ROWS, "mnist": (60_000, 10_000), "any": None}


def is_scored_by_kaggle(dataset: str) -> bool:
    """Return whether a data set's test images are those of Kaggle's competition.

    Args:
        dataset: its name, `<source>-<layout>`.
    """
    return dataset.startswith("kaggle-") or dataset == "files-kaggle"
