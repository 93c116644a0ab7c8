"""The form of the images: all data sets here have MNIST's."""

SIDE = 28  # pixels
CLASSES = 10
