"""What the images are, where they may come from, and how many there are of them."""

SIDE = 28  # pixels
CLASSES = 10

SOURCES = ("mnist", "fashion_mnist", "kaggle", "files")
KAGGLE_ROWS = (42_000, 28_000)  # train, test
LAYOUTS = {"kaggle": KAGGLE_ROWS, "mnist": (60_000, 10_000), "any": None}
