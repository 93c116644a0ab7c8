from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from hydra.utils import instantiate
from scipy import ndimage

from src.data import mirrors
from src.training import augmentation
from tests.support.recipes import configure, names

SIDE = 28
MIDDLE = (SIDE - 1) / 2
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE]
STEP = 9  # between neighbours in the images that hold their own coordinates; 9 × 27 < 256


def warp(images, seed=(1, 2), **settings):
    augment = augmentation.affine(**{"rotation": 0.0, "zoom": 0.0, "shift": 0.0, **settings})
    return augment(tf.constant(images), tf.constant(seed, tf.int32)).numpy()


def recovered(count, seed=(1, 2), **settings):
    """Return each image's warp as it shows itself: where output (x, y), counted from the image's
    middle, was read, as (count, 2, 2) matrices and (count, 2) offsets.
    """
    read = []
    for coordinates in (COLUMNS, ROWS):
        image = (coordinates * STEP).astype(np.uint8)
        read.append(warp(np.stack([image] * count), seed, **settings) / STEP)
    x, y = read
    matrices, offsets = np.empty((count, 2, 2)), np.empty((count, 2))
    for number in range(count):
        inside = (x[number] > 1) & (x[number] < 26) & (y[number] > 1) & (y[number] < 26)
        places = np.stack([COLUMNS - MIDDLE, ROWS - MIDDLE, np.ones_like(ROWS)], axis=-1)[inside]
        for axis, values in enumerate((x, y)):
            *row, offset = np.linalg.lstsq(places, values[number][inside] - MIDDLE)[0]
            matrices[number, axis], offsets[number, axis] = row, offset
    return matrices, offsets


@pytest.fixture
def digits(sample):
    return sample[mirrors.TRAIN_IMAGES][:64]


def test_without_any_warp_there_is_nothing_to_apply():
    assert augmentation.affine(rotation=0.0, zoom=0.0, shift=0.0) is None


@pytest.mark.parametrize("kind", ["affine", "elastic"])
def test_the_seed_decides_the_warps(digits, kind):
    settings = {"rotation": 10.0, "zoom": 0.1, "shift": 0.1}
    draw = partial(warp, digits, **settings)
    if kind == "elastic":
        draw = partial(bend, digits, displacement=0.5)
    first, again = draw(seed=(3, 4)), draw(seed=(3, 4))
    assert (first.shape, first.dtype) == (digits.shape, np.uint8)
    np.testing.assert_array_equal(first, again)
    for seed in ((3, 5), (4, 4)):
        assert (draw(seed=seed) != first).any(axis=(1, 2)).all()


def test_draws_near_the_identity_leave_the_image(digits):
    np.testing.assert_array_equal(warp(digits, rotation=1e-6), digits)
    np.testing.assert_array_equal(warp(digits, zoom=1e-7, shift=1e-7), digits)


def test_the_warps_are_within_the_bounds_use_them_and_lean_to_neither_side():
    count = 200
    matrices, offsets = recovered(count, rotation=10.0, zoom=0.1, shift=0.1)
    # The columns of rotation · zoom: (zx cos, zx sin) and (-zy sin, zy cos).
    zooms = np.linalg.norm(matrices, axis=1)
    (a, b), (c, d) = np.moveaxis(matrices, 0, -1)
    angles = np.degrees([np.arctan2(c, a), np.arctan2(-b, d)])
    np.testing.assert_allclose(*angles, atol=0.2)  # no shear
    found = [(angles[0], 10.0, 0.2)]
    found += [(zooms[:, axis] - 1, 0.1, 0.003) for axis in (0, 1)]
    found += [(offsets[:, axis], 2.8, 0.05) for axis in (0, 1)]
    for values, bound, precision in found:
        assert np.abs(values).max() < bound + precision
        assert values.max() > 0.9 * bound
        assert values.min() < -0.9 * bound
        assert abs(values.mean()) < 0.2 * bound  # five standard errors


def test_each_image_gets_its_own_warp_in_every_respect():
    matrices, offsets = recovered(50, rotation=10.0, zoom=0.1, shift=0.1)
    zooms = np.linalg.norm(matrices, axis=1)
    drawn = np.column_stack([matrices[:, 1, 0], zooms, offsets])
    correlations = np.corrcoef(drawn.T) - np.eye(5)
    assert np.abs(correlations).max() < 0.6


@pytest.mark.parametrize("setting", [{"rotation": 10.0}, {"zoom": 0.1}, {"shift": 0.1}])
def test_a_warp_of_one_kind_is_about_the_middle_and_changes_nothing_else(setting):
    matrices, offsets = recovered(20, **setting)
    if "zoom" not in setting:
        np.testing.assert_allclose(np.linalg.norm(matrices, axis=1), 1, atol=0.003)
    if "rotation" not in setting:
        np.testing.assert_allclose(matrices[:, [0, 1], [1, 0]], 0, atol=0.003)
    if "shift" not in setting:
        np.testing.assert_allclose(offsets, 0, atol=0.05)


def test_digits_are_warped_as_scipy_warps_them_with_the_borders_repeated(digits):
    settings = {"rotation": 30.0, "zoom": 0.3, "shift": 0.3}
    bright = np.maximum(digits, 40)  # so that a border filled with zeros would show
    bright[:, :, :4] = 200
    warped = warp(bright, **settings).astype(float)
    matrices, offsets = recovered(len(digits), **settings)
    for image, found, matrix, offset in zip(bright, warped, matrices, offsets, strict=True):
        to_scipy = matrix[::-1, ::-1]  # (row, column) instead of (x, y)
        start = MIDDLE + offset[::-1] - to_scipy @ [MIDDLE, MIDDLE]
        how = {"offset": start, "order": 1, "mode": "nearest"}
        expected = ndimage.affine_transform(image.astype(float), to_scipy, **how)
        assert np.abs(found - expected).mean() < 1.0
        assert np.abs(found - expected).max() < 20


def bend(images, seed=(1, 2), **settings):
    settings = {"rotation": 0.0, "zoom": 0.0, "shift": 0.0, "grid": 6, **settings}
    augment = augmentation.elastic(**settings)
    return augment(tf.constant(images), tf.constant(seed, tf.int32)).numpy()


def test_without_displacements_an_elastic_warp_is_affine(digits):
    settings = {"rotation": 30.0, "zoom": 0.3, "shift": 0.3}
    affine, elastic = warp(digits, **settings), bend(digits, displacement=0.0, **settings)
    assert np.abs(elastic.astype(int) - affine).max() <= 1  # rounded


def displacements(count, **settings):
    """Return where an elastic warp alone reads each pixel, less where that is: x and y, each
    (count, rows, columns), without the border, which hides where it was read.
    """
    found = []
    for coordinates in (COLUMNS, ROWS):
        image = (coordinates * STEP).astype(np.uint8)
        read = bend(np.stack([image] * count), **settings) / STEP
        found.append((read - coordinates)[:, 4:-4, 4:-4])
    return found


def test_displacements_have_their_deviation_lean_nowhere_and_are_smoother_on_a_coarser_grid():
    for along in displacements(400, displacement=0.8):
        assert along.std() == pytest.approx(0.8, rel=0.1)
        assert abs(along.mean()) < 0.05
    found = [displacements(50, displacement=0.8, grid=grid)[0] for grid in (4, 8)]
    coarse, fine = (np.diff(one, axis=2).std() for one in found)
    assert coarse < 0.6 * fine < 0.4


def test_images_and_axes_are_displaced_independently():
    x, y = displacements(200, displacement=0.8)
    middle = np.column_stack([x[:, 10, 10], y[:, 10, 10]])
    assert abs(np.corrcoef(middle.T)[0, 1]) < 0.25
    assert abs(np.corrcoef(middle[:-1, 0], middle[1:, 0])[0, 1]) < 0.25


@pytest.mark.parametrize("choice", names("augmentation"))
def test_every_augmentation_of_conf_warps_or_is_nothing(choice, project, digits):
    augment = instantiate(configure(f"augmentation={choice}").augmentation)
    if choice == "none":
        assert augment is None
    else:
        warped = augment(tf.constant(digits), tf.constant((1, 1), tf.int32)).numpy()
        assert (warped != digits).any(axis=(1, 2)).all()
        # Still the same digits: ink is moved, not lost.
        assert warped.mean() == pytest.approx(digits.mean(), rel=0.1)
