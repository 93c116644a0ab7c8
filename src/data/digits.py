"""What the images are, where they may come from, and how many there are of them."""

SIDE = 28  # pixels
CLASSES = 10

SOURCES = ("mnist", "fashion_mnist", "kaggle", "files")
LAYOUTS = {"kaggle": (42_000, 28_000), "mnist": (60_000, 10_000), "any": None}  # rows: train, test
