from dataclasses import replace

import numpy as np
import pytest

from src.evaluation import style
from src.reporting import activation_exhibits
from src.reporting.activation_exhibits import Cost
from tests.support.drawn_figures import draw, panels_of, profile, rows, xs
from tests.support.simulated_runs import Curve, costs, curve

ACTIVATIONS = ("ReLU", "GELU", "Hard Swish", "Swish", "Swish-β")


@pytest.fixture(scope="module")
def light(five):
    return draw(activation_exhibits.of(five, profile(five)), style.STYLE)


def test_a_comparison_without_a_learned_beta_has_no_figure_of_it(short):
    shown = [exhibit.name for exhibit in activation_exhibits.of(short, profile(short))]
    assert shown == ["activation_cost", "shapes"]


def test_the_cheapest_activation_stands_on_top_with_its_sum():
    backwards = dict(reversed(costs(ACTIVATIONS).items()))
    [axes] = activation_exhibits.cost_figure(backwards).axes
    assert rows(axes) == list(ACTIVATIONS)
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert bars[:5] == [(0, number) for number in range(1, 6)]
    assert bars[5:] == [(number, 2 * number) for number in range(1, 6)]
    texts = [text.get_text().strip() for text in axes.texts]
    assert texts == ["3.00", "6.00", "9.00", "12.00", "15.00"]


def test_beta_is_drawn_for_every_layer_and_seed_from_its_start(light, five):
    layers = five.betas["Swish-β"].values()
    for number, (axes, values) in enumerate(zip(light["betas"].axes, layers, strict=True), 1):
        _, *seeds, median = axes.lines
        for line, row in zip(seeds, values, strict=True):
            assert xs(line) == [0, 1, 2, 3, 4, 5, 6]
            assert line.get_ydata().tolist() == [1.0, *row]
        assert median.get_ydata()[-1] == np.median(values[:, -1])
        assert axes.get_title(loc="left") == f"Layer {number} → {np.median(values[:, -1]):.2f}"


def test_two_activations_that_learn_a_beta_share_the_panels(five):
    four = dict(list(five.betas["Swish-β"].items())[:4])
    again = {name: values + 1 for name, values in four.items()}
    found = replace(five, betas={"Swish-β": four, "Swish": again})
    panels = panels_of(activation_exhibits.betas_figure, found, {"Swish-β": 1.0, "Swish": 2.0})
    assert [axes.get_visible() for axes in panels] == [True] * 4 + [False] * 2
    assert [len(axes.lines) for axes in panels[:4]] == [12] * 4
    low = np.median(four["swish_beta"][:, -1])
    assert panels[0].get_title(loc="left") == f"Layer 1 → {low:.2f} and {low + 1:.2f}"
    [legend] = panels[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Swish-β", "Swish"]


def test_functions_and_derivatives_are_drawn_with_the_learned_ones_dashed(light):
    for axes, part in zip(light["shapes"].axes, ("value", "slope"), strict=True):
        lines = [line for line in axes.lines if len(line.get_xdata())]
        for steepnesses, dashed in (((1, 2, 3, 4, 5), False), ((0.5, 9), True)):
            found = [line.get_ydata() for line in lines if line.is_dashed() is dashed]
            assert np.array_equal(found, [getattr(curve(one), part) for one in steepnesses])


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
    [axes] = activation_exhibits.cost_figure(costs_found).axes
    assert rows(axes) == ["ReLU", "Swish"]
    assert [text.get_text().strip() for text in axes.texts] == ["4.00", "6.00"]
    assert [bar.get_x() + bar.get_width() for bar in axes.patches[2:]] == [4.0, 6.0]
    finding = activation_exhibits.cost_caption(costs_found, "ReLU").finding
    assert "ReLU costs 4.00 ns per element" in finding
    assert "Swish 1.50×" in finding


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (
            ([1.5, 1.7], [0.5, 0.4], [1.2, 0.9], [1.1, 1.3]),
            "reaches 0.45 in layer 2 (lowest) and 1.60 in layer 1 (highest). With every seed, β "
            "rises in layers 1 and 4 and falls in layer 2; within a layer, seeds differ by at most "
            "0.30.",
        ),
        (
            ([1.2, 0.8], [0.9, 1.1]),
            "reaches 1.00 in layer 1 (lowest) and 1.00 in layer 1 (highest). With every seed, β "
            "rises in no layer and falls in no layer; within a layer, seeds differ by at most "
            "0.40.",
        ),
        (
            ([-0.5, -0.7],),
            "reaches −0.60 in layer 1. With every seed, β rises in no layer and falls in layer 1; "
            "within a layer, seeds differ by at most 0.20.",
        ),
    ],
)
def test_beta_rises_or_falls_where_it_does_with_every_seed(five, layers, said):
    betas = {str(n): np.column_stack([np.ones(len(ends)), ends]) for n, ends in enumerate(layers)}
    found = replace(five, betas={"Swish-β": betas})
    caption = activation_exhibits.betas_caption(found, {"Swish-β": 1.0})
    assert caption.finding == f"Swish-β: starting at 1.00, the median β {said}"


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
