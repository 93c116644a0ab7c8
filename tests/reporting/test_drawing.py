from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure

from src.analysis.statistics import Estimate
from src.analysis.verdicts import Verdict
from src.evaluation import style
from src.reporting import comparison_figures, drawing
from tests.support.drawn_figures import contrast, dots, labelled, panels_of


@pytest.mark.parametrize("theme", [style.STYLE, style.DARK])
def test_up_to_49_levels_look_different_and_each_is_seen_on_its_ground(theme):
    with rc_context(theme):
        looks = drawing.looks([f"A{number}" for number in range(49)])
        ground = matplotlib.rcParams["figure.facecolor"]
    assert len({(look.color, look.marker) for look in looks.values()}) == 49
    assert min(contrast(look.color, ground) for look in looks.values()) > 2


def test_an_interval_is_a_bar_with_a_marker_in_percent_or_another_unit():
    axes = Figure().subplots()
    estimate = Estimate(0.5, 0.25, 0.75)
    drawing.interval(axes, 3, estimate)
    drawing.interval(axes, 3, estimate, unit=1, upright=True)
    bar, point, upright, above = (line.get_xydata().tolist() for line in axes.lines)
    assert (bar, point) == ([[25, 3], [75, 3]], [[50, 3]])
    assert (upright, above) == ([[3, 0.25], [3, 0.75]], [[3, 0.5]])


def test_of_many_curves_each_is_named_beside_its_end_and_none_has_a_band():
    x = np.array([1, 2])
    curves = {f"A{n}": drawing.Curve(x, x * n, x * 0, x * 9) for n in range(1, 9)}
    for some, bands, names in ((list(curves)[:2], 2, []), (list(curves), 0, list(curves))):
        axes = Figure().subplots()
        shown = {name: curves[name] for name in some}
        drawing.draw_curves(axes, shown, drawing.looks(some))
        drawing.name_curves(axes, shown, drawing.looks(some))
        assert len(axes.collections) == bands
        assert [text.get_text() for text in axes.texts] == names
        assert len(axes.figure.legends) == (not names)


def test_names_beside_lines_are_moved_apart_as_little_as_needed():
    assert drawing.apart(np.array([0.1, 0.5]), 0.1) == pytest.approx([0.1, 0.5])
    assert drawing.apart(np.array([0.5, 0.5]), 0.1) == pytest.approx([0.45, 0.55])
    moved = drawing.apart(np.array([0.2, 0.21, 0.28, 0.9]), 0.1)
    assert np.diff(moved).min() >= 0.1 - 1e-12
    assert moved[:3].mean() == pytest.approx(0.23)
    assert moved[3] == 0.9


def test_the_color_of_a_difference_is_its_verdict(five):
    pairs = zip(five.pairs, Verdict, strict=False)
    found = replace(five, pairs=tuple(replace(pair, verdict=verdict) for pair, verdict in pairs))
    [axes] = panels_of(comparison_figures.differences, found)
    colors = [line.get_color() for line in dots(axes, 1)]
    assert colors == [style.BLUE, style.VERMILION, style.GREEN, style.INK]
    legend = labelled(axes)
    assert [legend[verdict.value].get_color() for verdict in Verdict] == colors


def test_what_does_not_matter_is_a_band_from_minus_to_plus_the_smallest_effect(five):
    [axes] = panels_of(comparison_figures.differences, replace(five, smallest_effect=0.0004))
    [band] = axes.patches
    assert [band.get_x(), band.get_x() + band.get_width()] == pytest.approx([-0.04, 0.04])
    assert "within ±0.04 pp" in [text.get_text() for text in axes.figure.legends[0].get_texts()]
