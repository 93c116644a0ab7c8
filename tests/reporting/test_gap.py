import pytest

from src.analysis import gap as analysis
from src.evaluation import style
from src.reporting import gap
from tests.support.drawn_figures import check_layout, panels_of, said

NOISE = analysis.SeedNoise(disagreement=0.4589, variance_ratio=1.78, low=0.739, high=8.63)
SCORES = ("0.99457", "0.99671")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100%"),
        (0.354, "35%"),
        (0.0395, "4.0%"),
        (0.00627, "0.63%"),
        (0.000881, "0.088%"),
        (1e-4, "0.010%"),
        (9e-5, "less than 0.01%"),
        (0.0, "less than 0.01%"),
    ],
)
def test_a_share_has_two_digits(share, text):
    assert gap.share(share) == text


def test_the_sentences_have_the_counts_the_pooled_accuracy_and_every_share():
    found = analysis.of((6962, 6977), 7000, NOISE)
    independent, same = gap.sentences(found, SCORES, "notebook")
    assert independent.startswith("0.99457 and 0.99671 are 6,962 and 6,977 of 7,000 images, 15 ")
    assert "99.564%" in independent
    assert independent.endswith(f"apart in {gap.share(found.independent[15])} of pairs.")
    assert "the study notebook do (on 46% as many images" in same
    assert "1.8 times that of independent changes of images, 95% interval 0.7 to 8.7)" in same
    changes, *seeds = (
        gap.share(shares[15])
        for shares in (found.same.changes, found.same.seeds, found.same.low, found.same.high)
    )
    assert f"end up that far apart in {changes} of pairs" in same
    assert same.endswith(f" in {seeds[0]} ({seeds[1]} to {seeds[2]}).")


def test_without_a_study_the_second_sentence_has_no_number():
    found = analysis.of((6962, 6977), 7000)
    _, same = gap.sentences(found, SCORES)
    assert "--like STUDY" in same
    assert not any(sign.isdigit() for sign in same)


@pytest.mark.parametrize("noise", [None, NOISE])
@pytest.mark.parametrize(
    ("right", "images"), [((6962, 6977), 7000), ((1, 2), 2), ((90_000, 99_000), 100_000)]
)
def test_the_figure_has_a_curve_for_each_share_with_a_marker_at_the_gap(right, images, noise):
    found = analysis.of(right, images, noise)
    [axes] = panels_of(gap.figure, found, "notebook")
    axes.figure.draw_without_rendering()
    check_layout(axes.figure)
    shown = [found.independent, *([found.same.changes, found.same.seeds] if noise else [])]
    curves = [line for line in axes.lines if line.get_markevery()]
    assert len(curves) == len(shown)
    for line, shares in zip(curves, shown, strict=True):
        assert line.get_markevery() == [found.apart]
        assert line.get_ydata()[found.apart] == shares[found.apart]
        assert line.get_label().split(": ")[1].startswith(gap.share(shares[found.apart]))
    assert f"Equal models {found.apart:,} or more images apart" in said(axes.figure)
    assert (len(axes.collections) == 1) == bool(noise)
    if noise:
        assert curves[2].get_color() == style.VERMILION
