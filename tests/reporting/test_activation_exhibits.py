from dataclasses import replace

import numpy as np
import pytest
from matplotlib import rc_context

from src.evaluation import style
from src.reporting import activation_exhibits
from src.reporting.activation_exhibits import Cost
from tests.support.drawn_figures import draw, profile, rows, xs
from tests.support.simulated_runs import Curve, costs, curve

ACTIVATIONS = ("ReLU", "GELU", "Hard Swish", "Swish", "Swish-β")


@pytest.fixture(scope="module")
def light(five):
    return draw(activation_exhibits.of(five, profile(five)), style.STYLE)


def test_a_comparison_without_a_learned_beta_has_no_figure_of_it(short):
    shown = [exhibit.name for exhibit in activation_exhibits.of(short, profile(short))]
    assert shown == ["activation_cost", "shapes"]


# Figures


def test_the_cheapest_activation_stands_on_top_with_its_sum():
    backwards = dict(reversed(costs(ACTIVATIONS).items()))
    with rc_context(style.STYLE):
        axes = activation_exhibits.cost_figure(backwards).axes[0]
    assert rows(axes) == list(ACTIVATIONS)
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert bars[:5] == [(0, number) for number in range(1, 6)]
    assert bars[5:] == [(number, 2 * number) for number in range(1, 6)]
    assert [text.get_text().strip() for text in axes.texts] == [
        f"{3 * number:.2f}" for number in range(1, 6)
    ]


def test_beta_is_drawn_for_every_layer_and_seed_from_its_start(light, five):
    panels = light["betas"].axes
    for number, (axes, values) in enumerate(
        zip(panels, five.betas["Swish-β"].values(), strict=True), 1
    ):
        _, *seeds, median = axes.lines
        for line, row in zip(seeds, values, strict=True):
            assert xs(line) == [0, 1, 2, 3, 4, 5, 6]
            assert line.get_ydata().tolist() == [1.0, *row]
        assert median.get_ydata()[-1] == np.median(values[:, -1])
        assert axes.get_title(loc="left") == f"Layer {number} → {np.median(values[:, -1]):.2f}"


def test_two_activations_that_learn_a_beta_share_the_panels(five):
    layers = five.betas["Swish-β"]
    four = dict(list(layers.items())[:4])
    again = {name: values + 1 for name, values in four.items()}
    found = replace(five, betas={"Swish-β": four, "Swish": again})
    with rc_context(style.STYLE):
        figure = activation_exhibits.betas_figure(found, {"Swish-β": 1.0, "Swish": 2.0})
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2
    assert [len(axes.lines) for axes in figure.axes[:4]] == [12] * 4
    low = np.median(layers["swish_beta"][:, -1])
    assert figure.axes[0].get_title(loc="left") == f"Layer 1 → {low:.2f} and {low + 1:.2f}"
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Swish-β", "Swish"]


def test_functions_and_derivatives_are_drawn_with_the_learned_ones_dashed(light):
    for axes, part in zip(light["shapes"].axes, ("value", "slope"), strict=True):
        drawn = [line for line in axes.lines if len(line.get_xdata())]
        dashed = [line for line in drawn if line.is_dashed()]
        full = [line for line in drawn if not line.is_dashed()]
        for number, line in enumerate(full, 1):
            assert np.array_equal(line.get_ydata(), getattr(curve(number), part))
        for steepness, line in zip((0.5, 9), dashed, strict=True):
            assert np.array_equal(line.get_ydata(), getattr(curve(steepness), part))
        assert len(full) == 5


# Captions


def test_the_costs_are_relative_to_the_reference():
    caption = activation_exhibits.cost_caption(costs(["ReLU", "GELU", "Swish"]), "ReLU")
    assert caption.finding == (
        "Forward plus backward, ReLU costs 3.00 ns per element; relative to that, GELU 2.00× and "
        "Swish 3.00×."
    )
    assert "Medians of 3 interleaved rounds" in caption.reading


def test_figure_and_caption_give_the_same_costs_where_the_rounds_disagree():
    # The medians of forward and backward add up to 5 and 4, those of their sums are 4 and 6.
    costs_found = {
        "ReLU": Cost(np.array([1.0, 2.0, 9.0]), np.array([3.0, 3.0, -5.0])),
        "Swish": Cost(np.array([1.0, 1.0, 5.0]), np.array([5.0, 3.0, 1.0])),
    }
    with rc_context(style.STYLE):
        axes = activation_exhibits.cost_figure(costs_found).axes[0]
    drawn = dict(zip(rows(axes), [text.get_text().strip() for text in axes.texts], strict=True))
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches[2:]]
    assert drawn == {"ReLU": "4.00", "Swish": "6.00"}
    assert ends == [4.0, 6.0]
    finding = activation_exhibits.cost_caption(costs_found, "ReLU").finding
    assert finding.startswith(f"Forward plus backward, ReLU costs {drawn['ReLU']} ns per element")
    assert f"Swish {float(drawn['Swish']) / float(drawn['ReLU']):.2f}×" in finding


def learned(five, *layers):
    """Return the finding on betas, given each layer's last ones."""
    betas = {
        f"layer_{number}": np.column_stack([np.ones(len(ends)), ends])
        for number, ends in enumerate(layers)
    }
    return activation_exhibits.betas_caption(
        replace(five, betas={"Swish-β": betas}), {"Swish-β": 1.0}
    ).finding


def test_beta_rises_or_falls_where_it_does_with_every_seed(five):
    assert learned(five, [1.5, 1.7], [0.5, 0.4], [1.2, 0.9], [1.1, 1.3]) == (
        "Swish-β: starting at 1.00, the median β reaches 0.45 in layer 2 (lowest) and 1.60 in "
        "layer 1 (highest). With every seed, β rises in layers 1 and 4 and falls in layer 2; "
        "within a layer, seeds differ by at most 0.30."
    )


def test_where_the_seeds_disagree_beta_goes_nowhere(five):
    said = (
        "β rises in no layer and falls in no layer; within a layer, seeds differ by at most 0.40."
    )
    assert said in learned(five, [1.2, 0.8], [0.9, 1.1])


def test_the_beta_of_a_single_layer_is_neither_the_lowest_nor_the_highest(five):
    assert learned(five, [-0.5, -0.7]).startswith(
        "Swish-β: starting at 1.00, the median β reaches −0.60 in layer 1. With every seed, β "
        "rises in no layer and falls in layer 1;"
    )


def test_only_functions_that_dip_below_zero_have_a_minimum():
    x = curve(1.0).x
    relu = Curve(x, np.maximum(x, 0), (x > 0).astype(float))
    both = activation_exhibits.shapes_caption({"ReLU": relu, "Swish": curve(1.0)})
    assert both.finding == (
        "Minima below zero: Swish −0.28 at x = −1.3. Slopes: ReLU 0.00 to 1.00 and Swish −0.10 to "
        "1.10."
    )
    tanh = Curve(x, np.tanh(x), 1 - np.tanh(x) ** 2)
    neither = activation_exhibits.shapes_caption({"ReLU": relu, "tanh": tanh})
    assert neither.finding.startswith("None has a minimum below zero. Slopes: ReLU")


def test_the_slopes_of_float32_are_not_rounded_outward_by_their_imprecision():
    x = np.linspace(-5, 5, 11)
    slope = np.where(x > 0, 1.5, -0.3).astype(np.float32)
    finding = activation_exhibits.shapes_caption({"A": Curve(x, np.maximum(x, 0), slope)}).finding
    assert finding.endswith("A −0.30 to 1.50.")
