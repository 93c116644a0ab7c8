import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from src.core import metric_names
from src.data import mirrors
from src.evaluation import figures

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


def test_a_figure_is_an_opaque_white_card_of_twice_800_pixels_and_the_same_bytes_again(tmp_path):
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        figures.save(figures.class_balance(TRAIN, VALID), path)
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert not any(chunk in one for chunk in (b"tEXt", b"iTXt", b"tIME"))  # a date, a version
    picture = imread(paths[0])
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


@pytest.mark.parametrize(
    ("of_threes", "title"),
    [
        (390, "The classes are nearly equal: from 9.1% (class 5) to 11.2% (class 1)"),
        (10, "The classes are unequal: from 1.4% (class 3) to 12.4% (class 1)"),
    ],
)
def test_the_title_of_the_class_balance_states_the_finding(of_threes, title):
    counts = np.where(np.arange(10) == 3, of_threes, TRAIN)
    assert figures.class_balance(counts, VALID).get_suptitle() == title


def test_each_row_of_the_sheet_shows_images_of_its_class_that_the_seed_decides(images, labels):
    figure = figures.sample_images(images, labels, seed=1)
    for row in range(10):
        members = {image.tobytes() for image in images[labels == row]}
        shown = {np.ascontiguousarray(tile(figure, row, column)).tobytes() for column in range(10)}
        assert len(shown) == 10
        assert shown <= members
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == [str(number) for number in range(10)]
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


ROW = [metric_names.LOSS, metric_names.VAL_LOSS, metric_names.ACCURACY, metric_names.VAL_ACCURACY]


def history(*rows, **more):
    """Return the history of epochs with these losses and accuracies, training and validation."""
    table = pd.DataFrame(rows, columns=ROW)
    table[metric_names.EPOCH] = np.arange(1.0, len(rows) + 1)
    table[metric_names.LEARNING_RATE] = np.linspace(0.1, 0.0, len(rows))
    return table.assign(**more)


EPOCHS = ((0.9, 0.5, 0.7, 0.8), (0.5, 0.3, 0.85, 0.9), (0.4, 0.35, 0.88, 0.875))
BETAS = {"beta/swish_beta": [1.0, 1.1, 1.2], "beta/swish_beta_1": [1.0, 0.9, 0.8]}


def drawn(axes):
    """Return the points of each line, by its label in the legend."""
    return {line.get_label(): line.get_xydata().round(9).tolist() for line in axes.lines}


def test_the_curves_show_loss_error_rate_learning_rate_and_every_learned_beta_by_epoch():
    figure = figures.learning_curves(history(*EPOCHS))
    loss, error, rate = figure.axes
    assert drawn(loss) == {
        "Training": [[1, 0.9], [2, 0.5], [3, 0.4]],
        "Validation": [[1, 0.5], [2, 0.3], [3, 0.35]],
    }
    assert drawn(error) == {
        "Training": [[1, 0.3], [2, 0.15], [3, 0.12]],
        "Validation": [[1, 0.2], [2, 0.1], [3, 0.125]],
    }
    assert error.get_yscale() == "log"
    assert list(drawn(rate).values()) == [[[1, 0.1], [2, 0.05], [3, 0.0]]]
    assert [axes.get_xlabel() for axes in figure.axes] == ["Epoch"] * 3
    title = figure.get_suptitle()
    assert title == "Validation accuracy is highest after epoch 2 of 3: 90.00%"
    *_, axes = figures.learning_curves(history(*EPOCHS, **BETAS)).axes
    assert axes.get_title(loc="left") == "Learned β per layer"
    assert drawn(axes) == {
        "swish_beta": [[1, 1.0], [2, 1.1], [3, 1.2]],
        "swish_beta_1": [[1, 1.0], [2, 0.9], [3, 0.8]],
    }
    assert len({line.get_color() for line in axes.lines}) == 2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [EPOCHS[:1], ((0.1, 0.1, 1.0, 1.0),), (EPOCHS[0], (0, 0, 1, 1))])
def test_a_single_epoch_and_a_perfect_one_can_be_drawn(rows, tmp_path):
    figures.save(figures.learning_curves(history(*rows)), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_the_confusion_matrix_counts_rows_of_true_and_columns_of_predicted_labels():
    true = np.array([0] * 1500 + [4, 4, 4, 9, 7], np.uint8)
    predicted = np.array([0] * 1500 + [9, 9, 4, 4, 7])
    figure = figures.confusion_matrix(true, predicted)
    axes, _ = figure.axes
    assert len(axes.texts) == 100
    texts = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    found = {place: text for place, text in texts.items() if text != "·"}
    assert found == {(0, 0): "1,500", (4, 4): "1", (4, 9): "2", (9, 4): "1", (7, 7): "1"}
    # Only the errors are colored: the right answers would outshine them.
    colors = np.ndenumerate(axes.images[0].get_array())
    assert {place: color for place, color in colors if color} == {(4, 9): 2, (9, 4): 1}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted label", "True label")
    title = figure.get_suptitle()
    assert title == "3 of 1,505 images are wrong; most often a 4 is taken for a 9"


@pytest.mark.filterwarnings("error")
def test_without_errors_both_figures_say_so_and_can_be_drawn(tmp_path, images, labels):
    figure = figures.confusion_matrix(np.arange(10), np.arange(10))
    assert figure.get_suptitle() == "0 of 10 images are wrong"
    assert not figure.axes[0].images[0].get_array().any()
    figures.save(figure, tmp_path / "confusion.png")
    figure = figures.confident_errors(images[:0], labels[:0], np.empty((0, 10)))
    assert figure.get_suptitle() == "No errors"
    assert not any(axes.images for axes in figure.axes)
    figures.save(figure, tmp_path / "errors.png")


def test_each_confident_error_is_shown_with_its_predicted_and_true_label(images, labels):
    rows = np.full((3, 10), 0.01)
    rows[[0, 1, 2], [7, 3, 5]] = [0.95, 0.9, 0.8]
    figure = figures.confident_errors(images[:3], labels[:3], rows)
    shown = [axes for axes in figure.axes if axes.images]
    for axes, image in zip(shown, images[:3], strict=True):
        assert np.array_equal(axes.images[0].get_array(), image)
    texts = ("read as 7 (95%)", "read as 3 (90%)", "read as 5 (80%)")
    titles = [f"{text}\ntrue label {label}" for text, label in zip(texts, labels, strict=False)]
    assert [axes.get_title() for axes in shown] == titles
    assert figure.get_suptitle() == "The most confident errors"
