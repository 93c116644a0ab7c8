import numpy as np
import pytest

from src.demo_page import drawing


def paper(rows, columns, ink=255, size=280):
    drawn = np.zeros((size, size), np.uint8)
    drawn[slice(*rows), slice(*columns)] = ink
    return drawn


def extent(image):
    rows, columns = np.nonzero(image)
    return [int(np.ptp(found)) + 1 for found in (rows, columns)]


def center_of_mass(image):
    return [float(np.average(np.arange(28), weights=image.sum(axis=axis))) for axis in (1, 0)]


@pytest.mark.parametrize(("place", "ink"), [(0, 255), (60, 40), (150, 255)])
def test_the_longer_side_becomes_twenty_pixels_and_faint_ink_as_dark_as_mnists(place, ink):
    image = drawing.as_mnist(paper((place, place + 120), (place, place + 60), ink))
    assert (image.shape, image.dtype, image.max()) == ((28, 28), np.uint8, 255)
    assert extent(image) == [20, 10]


def test_the_center_of_mass_is_the_center_of_the_image():
    top_heavy = paper((40, 60), (40, 200)) + paper((60, 200), (180, 200))
    image = drawing.as_mnist(top_heavy)
    assert extent(image) == [20, 20]
    assert np.allclose(center_of_mass(image), 13.5, atol=0.5)


def test_what_is_far_off_center_is_cut_rather_than_moved():
    dot_and_hair = paper((0, 279), (100, 101), ink=3) + paper((270, 280), (90, 110))
    image = drawing.as_mnist(dot_and_hair)
    assert image.shape == (28, 28)
    assert np.allclose(center_of_mass(image)[1], 13.5, atol=0.5)


def test_a_single_point_is_a_digit_too_and_bare_paper_is_none():
    assert extent(drawing.as_mnist(paper((5, 6), (5, 6)))) == [20, 20]
    assert drawing.as_mnist(paper((0, 0), (0, 0))) is None
