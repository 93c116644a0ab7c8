import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from src import figures, mirrors

TRAIN = np.array([365, 424, 382, 390, 370, 342, 370, 393, 366, 374])
VALID = TRAIN // 9


@pytest.fixture
def images(sample):
    return sample[mirrors.TRAIN_IMAGES]


@pytest.fixture
def labels(sample):
    return sample[mirrors.TRAIN_LABELS]


def sheet(figure):
    return figure.axes[0].images[0].get_array()


def tile(figure, row, column):
    return sheet(figure)[row * 32 : row * 32 + 28, column * 32 : column * 32 + 28]


def test_the_same_figure_gives_the_same_bytes_without_a_date_or_a_version(tmp_path):
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        figures.save(figures.class_balance(TRAIN, VALID), path)
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    for chunk in (b"tEXt", b"iTXt", b"tIME"):
        assert chunk not in one


def test_a_figure_is_an_opaque_white_card_of_twice_800_pixels(tmp_path):
    figures.save(figures.class_balance(TRAIN, VALID), tmp_path / "one.png")
    picture = imread(tmp_path / "one.png")
    assert picture.shape[1] == 1600
    assert (picture[..., 3] == 1).all()
    assert (picture[0] == 1).all()


def test_drawing_leaves_matplotlibs_settings_alone(images, labels):
    before = dict(matplotlib.rcParams)
    figures.class_balance(TRAIN, VALID)
    figures.sample_images(images, labels, seed=1)
    assert dict(matplotlib.rcParams) == before


def test_the_class_balance_has_a_bar_with_count_and_share_for_each_class():
    figure = figures.class_balance(TRAIN, VALID)
    for axes, counts in zip(figure.axes, (TRAIN, VALID), strict=True):
        assert [bar.get_width() for bar in axes.patches] == counts.tolist()
        texts = [text.get_text().strip() for text in axes.texts]
        assert texts == [f"{count:,} ({count / counts.sum():.1%})" for count in counts]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Training: 3,776 images", "Validation: 416 images"]


def test_the_title_of_the_class_balance_states_the_finding():
    title = figures.class_balance(TRAIN, VALID).get_suptitle()
    assert title == "The classes are nearly equal: from 9.1% (class 5) to 11.2% (class 1)"
    uneven = TRAIN.copy()
    uneven[3] = 10
    title = figures.class_balance(uneven, VALID).get_suptitle()
    assert title.startswith("The classes are unequal: from ")
    assert "(class 3)" in title


def test_each_row_of_the_sheet_shows_different_images_of_its_class(images, labels):
    figure = figures.sample_images(images, labels, seed=1)
    for row in range(10):
        members = {image.tobytes() for image in images[labels == row]}
        shown = {np.ascontiguousarray(tile(figure, row, column)).tobytes() for column in range(10)}
        assert len(shown) == 10
        assert shown <= members
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == [str(number) for number in range(10)]


def test_the_seed_decides_which_images_are_shown(images, labels):
    first, again, other = (sheet(figures.sample_images(images, labels, seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_class_with_few_images_leaves_places_free(images, labels):
    few = np.concatenate([np.flatnonzero(labels == 3)[:4], np.flatnonzero(labels != 3)])
    figure = figures.sample_images(images[few], labels[few], seed=1)
    assert tile(figure, 3, 3).any()
    assert not tile(figure, 3, 4).any()


def test_every_pixel_of_an_image_is_a_sharp_square_of_screen_pixels(images, labels, tmp_path):
    figure = figures.sample_images(images, labels, seed=1)
    figures.save(figure, tmp_path / "one.png")
    picture = imread(tmp_path / "one.png")[..., 0]
    expected = 1 - np.kron(sheet(figure), np.ones((4, 4))) / 255
    size = len(expected)
    top, left = len(picture) - 40 - size, 80  # the margins
    assert np.abs(picture[top : top + size, left : left + size] - expected).max() < 0.01
