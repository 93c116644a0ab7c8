"""What the images are, where they may come from, and how many there are of them."""

SIDE = 28  # pixels
CLASSES = 10

SOURCES = ("mnist", "fashion_mnist", "kaggle", "files")
KAGGLE_ROWS = (42_000, 28_000)  # train, test
LAYOUTS = {"kaggle": KAGGLE_ROWS, "mnist": (60_000, 10_000), "any": None}

DIGITS = tuple(str(digit) for digit in range(CLASSES))
GARMENTS = (  # Fashion-MNIST's, https://github.com/zalandoresearch/fashion-mnist#labels
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def class_names(dataset: str) -> tuple[str, ...]:
    """Return what a data set's ten classes are called.

    Args:
        dataset: its name, `<source>-<layout>`.
    """
    return GARMENTS if dataset.startswith("fashion_mnist") else DIGITS


def is_scored_by_kaggle(dataset: str) -> bool:
    """Return whether a data set's test images are those of Kaggle's competition.

    Args:
        dataset: its name, `<source>-<layout>`.
    """
    return dataset.startswith("kaggle-") or dataset == "files-kaggle"
