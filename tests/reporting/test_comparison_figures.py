import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex

from src.analysis import diagnostics, findings
from src.data import mirrors
from src.evaluation import style
from src.reporting import (
    activation_exhibits,
    comparison_figures,
    drawing,
    exhibits,
    factor_exhibits,
)
from src.reporting.evidence import Evidence
from tests.support.drawn_figures import (
    check_layout,
    contrast,
    dots,
    draw,
    labelled,
    profile,
    rows,
    said,
    visible,
    xs,
)
from tests.support.simulated_runs import FIGURES, levels_of, with_trainings

STYLES = {"light": (style.STYLE, "white"), "dark": (style.DARK, style.NIGHT)}
ACTIVATIONS = ("ReLU", "GELU", "Hard Swish", "Swish", "Swish-β")
OTHERS = ACTIVATIONS[1:]


def all_exhibits(found, images, labels):
    general = exhibits.of(found, dict(enumerate(images)), labels)
    return [*general, *activation_exhibits.of(found, profile(found))]


@pytest.fixture(scope="module")
def images(sample):
    return np.concatenate([sample[mirrors.TRAIN_IMAGES]] * 2)[:1000]


@pytest.fixture(scope="module")
def both(five, five_runs, images):
    """All figures of five activations, on white and on black."""
    shown = all_exhibits(five, images, five_runs.labels)
    return {theme: draw(shown, settings) for theme, (settings, _) in STYLES.items()}


@pytest.fixture(scope="module")
def light(both):
    return both["light"]


MANY = "none,affine,elastic,notebook,cutout,mixup,cutmix,noise,shear,random crop,auto augment"
SENTENCES = ("AdamW, one cycle", "SGD with momentum, one cycle", "Adam, constant")
SIZES = {"compact": "35000", "lenet5": "15000", "mlp": "805000"}
CROWDS = {
    "names": ("augmentation", {name: -n / 20 for n, name in enumerate(MANY.split(","))}, {}),
    "numbers": (
        "optimizer.learning_rate",
        {f"{0.001 * 2**n:g}": abs(n - 5) / 10 for n in range(11)},
        {"compare": "reference", "reference": "0.032"},
    ),
    "sentences": ("variant", dict(zip(SENTENCES, (-0.4, 0.0, -0.2), strict=True)), {}),
    "models": (
        "model",
        dict(zip(SIZES, (-0.4, 0.0, 0.3), strict=True)),
        {"tags": {name: {"parameters": size} for name, size in SIZES.items()}},
    ),
}


@pytest.fixture(scope="module", params=CROWDS)
def crowd(request, images):
    """All figures of many levels, of numbers, of long names, of models, and their findings."""
    key, shifts, more = CROWDS[request.param]
    given = {"reference": next(iter(shifts)), "dataset": "fashion_mnist-kaggle"} | more
    runs = levels_of(key, shifts, (1, 2, 3), images=300, **given)
    found = findings.compute(runs, runs.level_named(None))
    sizes = dict(zip(SIZES, (35_000, 15_000, 805_000), strict=True))
    evidence = Evidence(runs, found.reference, parameters=sizes if "mlp" in shifts else {})
    general = exhibits.of(found, dict(enumerate(images[:300])), runs.labels)
    return found, draw([*general, *factor_exhibits.of(evidence, found)], style.STYLE)


def test_figures_of_any_factor_are_legible(crowd):
    _, drawn = crowd
    for figure in drawn.values():
        check_layout(figure)


def test_of_very_many_pairs_those_with_the_reference_have_rows_and_all_have_cells(crowd):
    found, drawn = crowd
    pairs = rows(drawn["differences"].axes[0])
    many = len(found.pairs) > 15
    assert len(pairs) == (len(found.levels) - 1 if many else len(found.pairs))
    assert ("difference_table" in drawn) is many
    if many:
        [axes] = drawn["difference_table"].axes
        assert len(axes.texts) == 2 * len(found.pairs)


@pytest.mark.parametrize("theme", STYLES)
@pytest.mark.parametrize("name", FIGURES)
def test_no_text_leaves_the_canvas_or_covers_another_and_each_is_readable(both, theme, name):
    figure = both[theme][name]
    check_layout(figure)
    _, ground = STYLES[theme]
    assert to_hex(figure.get_facecolor()) == to_hex(ground)
    for text in visible(figure):
        behind = ground
        if name == "error_overlap" and "%" in text.get_text():
            [picture] = text.axes.images
            column, row = map(int, text.get_position())
            behind = picture.cmap(picture.norm(picture.get_array()[row, column]))
        assert contrast(text.get_color(), behind) > 4.5, text


@pytest.mark.parametrize("theme", STYLES)
def test_an_activation_has_one_color_and_marker_in_all_figures(both, theme):
    drawn = both[theme]
    with rc_context(STYLES[theme][0]):
        looks = drawing.looks(ACTIVATIONS)
    assert len({look.color for look in looks.values()}) == 5
    lines = [("Swish-β", line) for line in drawn["betas"].axes[0].lines[1:]]
    for figure in ("accuracy", "epoch_time"):
        axes = drawn[figure].axes[0]
        lines += zip(rows(axes), dots(axes, 4), strict=True)
    for figure in ("learning_curves", "calibration", "shapes", "power"):
        for name, line in labelled(drawn[figure].axes[0]).items():
            lines.append((name.removesuffix(" − ReLU"), line))
    for name, look in looks.items():
        own = [line for level, line in lines if level == name]
        assert len(own) >= 4
        assert {line.get_color() for line in own} == {look.color}
        assert {line.get_marker() for line in own} - {"None"} == {look.marker}


@pytest.mark.filterwarnings("error")
def test_two_seeds_of_one_epoch_without_an_error_can_be_drawn(short_runs, images):
    right = np.eye(10, dtype=np.float32)[short_runs.labels]
    sure = diagnostics.reliability(right, short_runs.labels)
    answers = {"predicted": short_runs.labels, "reliability": sure}
    runs = with_trainings(short_runs, lambda *_: answers)
    found = findings.compute(runs, "ReLU")
    drawn = draw(all_exhibits(found, images, short_runs.labels), style.STYLE)
    assert set(drawn) == set(FIGURES) - {"epoch_time", "uniquely_misclassified", "betas"}


def test_every_run_is_a_dot_and_the_best_activation_stands_on_top(light, five):
    axes = light["accuracy"].axes[0]
    order = sorted(ACTIVATIONS, key=lambda name: -five.accuracy[name].mean())
    assert rows(axes) == order
    for name, line in zip(order, dots(axes, 4), strict=True):
        assert line.get_xdata() == pytest.approx(100 * five.accuracy[name])
    for name, line in zip(order, dots(axes, 1), strict=True):
        assert line.get_xdata() == pytest.approx([100 * five.means[name].value])
    bars = [xs(line) for line in axes.lines if line.get_linestyle() == "-"]
    intervals = [(100 * five.means[name].low, 100 * five.means[name].high) for name in order]
    assert np.array(bars) == pytest.approx(np.array(intervals))
    assert f"{order[0]} {100 * five.means[order[0]].value:.2f}%" in said(light["accuracy"])


def test_every_pair_has_its_difference_its_interval_and_a_dot_for_each_seed(light, five):
    axes = light["differences"].axes[0]
    assert rows(axes) == [pair.name for pair in five.pairs]
    for pair, line in zip(five.pairs, dots(axes, 4), strict=True):
        assert line.get_xdata() == pytest.approx(100 * pair.by_seed)
    _, *bars = (line for line in axes.lines if line.get_linestyle() == "-" and len(xs(line)))
    for pair, bar in zip(five.pairs, bars, strict=True):
        difference = pair.comparison.difference
        assert xs(bar) == [100 * difference.low, 100 * difference.high]


def test_power_is_drawn_for_the_pairs_with_the_reference(light, five):
    lines = labelled(light["power"].axes[0])
    assert list(lines) == [f"{name} − ReLU" for name in OTHERS]
    for pair, line in zip(five.pairs[:4], lines.values(), strict=True):
        seeds = line.get_xdata()
        assert (seeds[0], seeds[-1]) == (2, 500)
        chance = pair.comparison.spread.power(seeds[20:21], 0.0002)
        assert line.get_ydata()[20] == pytest.approx(100 * chance[0])
    assert "4 seeds here" in said(light["power"])


def test_every_ratio_of_times_is_a_dot(light, five):
    axes = light["epoch_time"].axes[0]
    assert rows(axes) == list(OTHERS)
    for name, line, mean in zip(OTHERS, dots(axes, 4), dots(axes, 1), strict=True):
        assert xs(line) == five.times.ratios[name].tolist()
        assert xs(mean) == [five.times.estimates[name].value]
    assert light["epoch_time"].get_suptitle() == "Time per epoch, relative to ReLU"
    assert f"GELU {five.times.estimates['GELU'].value:.2f}×" in said(light["epoch_time"])


def test_a_learning_curve_is_the_median_of_the_seeds_in_their_range(light, five):
    axes = light["learning_curves"].axes[0]
    lines = labelled(axes)
    assert list(lines) == list(ACTIVATIONS)
    for name, band in zip(ACTIVATIONS, axes.collections, strict=True):
        rates = 100 * five.error_rates[name]
        assert xs(lines[name]) == [1, 2, 3, 4, 5, 6]
        assert lines[name].get_ydata() == pytest.approx(np.median(rates, axis=0))
        edges = band.get_paths()[0].vertices
        last = edges[edges[:, 0] == 6][:, 1]
        assert (last.min(), last.max()) == pytest.approx((rates[:, -1].min(), rates[:, -1].max()))


def test_only_bins_with_enough_predictions_are_on_the_reliability_curve(light, five):
    upper, lower = light["calibration"].axes
    lines = labelled(upper)
    for name, steps in zip(ACTIVATIONS, lower.patches, strict=True):
        curve = five.calibration[name].reliability
        enough = curve.count >= 20
        assert 0 < enough.sum() < (curve.count > 0).sum()
        assert lines[name].get_xdata() == pytest.approx(100 * curve.confidence[enough])
        assert lines[name].get_ydata() == pytest.approx(100 * curve.accuracy[enough])
        assert steps.get_data().values == pytest.approx(100 * curve.count / 4000)


def test_the_overlap_of_every_two_activations_is_written_down(light, five):
    axes = light["error_overlap"].axes[0]
    assert [" ".join(name.split()) for name in rows(axes)] == list(ACTIVATIONS)
    written = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert written == {cell: f"{100 * share:.0f}%" for cell, share in np.ndenumerate(five.overlap)}
    bold = {text.get_position() for text in axes.texts if text.get_fontweight() == "bold"}
    assert bold == {(place, place) for place in range(5)}


def test_up_to_five_images_that_one_activation_alone_misclassifies_are_drawn(
    light, five, five_runs, images
):
    counts = {name: len(places) for name, places in five.uniquely_misclassified.items()}
    panels = [axes for axes in light["uniquely_misclassified"].axes if axes.images]
    expected = [(name, place) for name in ACTIVATIONS for place in range(counts[name])[:5]]
    for axes, (name, place) in zip(panels, expected, strict=True):
        image = five.uniquely_misclassified[name][place]
        assert np.array_equal(axes.images[0].get_array(), images[image])
        wrong = five.wrong_seeds[name][image]
        assert wrong in (3, 4)
        digits = f"{five_runs.labels[image]} → {five.most_common_error[name][place]}"
        assert axes.get_xlabel() == f"{digits}\n{wrong} of 4 seeds"
    shown = {five.uniquely_misclassified[name][place] for name, place in expected}
    assert comparison_figures.images_shown(five) == sorted(shown)
    headings = {f"{name} alone: {number}" for name, number in counts.items() if number}
    assert headings <= set(said(light["uniquely_misclassified"]))
