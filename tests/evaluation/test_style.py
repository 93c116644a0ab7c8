import numpy as np
import pytest
from matplotlib.figure import Figure

from src.evaluation import style


def shown(axis):
    """Return the ticks within an axis' limits, by their labels."""
    low, high = axis.get_view_interval()
    ticks = axis.get_majorticklocs()
    labels = [text.get_text() for text in axis.get_majorticklabels()]
    pairs = zip(labels, ticks, strict=True)
    return {label: tick for label, tick in pairs if low <= tick <= high}


@pytest.mark.parametrize("direction", ["xaxis", "yaxis"])
@pytest.mark.parametrize("spread", [1.05, 1.5, 4.0, 60.0, 1e5])
@pytest.mark.parametrize("least", [3, 4])
def test_a_logarithmic_axis_has_enough_ticks_however_narrow_its_range_is(direction, spread, least):
    axes = Figure().subplots()
    values = 0.41 * np.geomspace(1, spread, 8)
    axes.plot(values, values)
    axis = getattr(axes, direction)
    style.log_axis(axis, least)
    ticks = shown(axis)
    assert axis.get_scale() == "log"
    assert least <= len(ticks) <= 10
    assert [float(label) for label in ticks] == pytest.approx(list(ticks.values()), rel=0.001)


@pytest.mark.parametrize(
    ("values", "scale"),
    [((1, 10), "log"), ((1, 9.9), "linear"), ((0, 10), "linear"), ((-1, 1), "linear")],
)
def test_values_are_drawn_logarithmically_where_they_span_a_decade(values, scale):
    axes = Figure().subplots()
    axes.plot(values, values)
    style.value_axis(axes.xaxis, values)
    assert axes.get_xscale() == scale
    assert len(shown(axes.xaxis)) >= 4


def test_a_narrow_range_far_from_zero_is_labelled_without_an_offset():
    axes = Figure().subplots()
    axes.plot([99.9951, 99.9959], [0, 1])
    style.linear_axis(axes.xaxis)
    axes.figure.draw_without_rendering()
    assert axes.xaxis.get_offset_text().get_text() == ""
    assert all(label.startswith("99.995") for label in shown(axes.xaxis))


def test_a_legend_has_fewer_columns_where_its_labels_are_long():
    for label, columns in (("short", 3), ("a label of over thirty characters", 1)):
        axes = Figure().subplots()
        for number in range(6):
            axes.plot([0, 1], label=f"{label} {number}")
        style.legend(axes)
        assert axes.figure.legends[0]._ncols == columns
