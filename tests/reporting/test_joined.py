from dataclasses import replace

import pandas as pd
import pytest
from matplotlib import rc_context

from src.analysis.verdicts import Verdict
from src.evaluation import figures, style
from src.reporting import joined
from src.reporting.evidence import Evidence
from tests.support.drawn_figures import rows, xs
from tests.support.simulated_runs import comparable, levels_of

SMALL = {"images": 200, "epochs": 3}


@pytest.fixture(scope="module")
def studies():
    """Two studies of activations, and one of learning rates."""
    default = comparable(("relu", "swish", "gelu"), (1, 2), **SMALL)
    fashion = comparable(("relu", "swish"), (1, 2, 3), **SMALL)
    rates = levels_of("optimizer.learning_rate", {"0.01": 0.0, "0.1": 0.2}, (1, 2), **SMALL)
    sets = [
        replace(default, title="default", folder="default", tags={"study": "default"}),
        replace(fashion, title="fashion", folder="fashion", smallest_effect=0.01),
        replace(rates, title="rates", folder="rates"),
    ]
    return [joined.shown(Evidence(runs, "ReLU"), runs.level_named(None)) for runs in sets]


def test_the_page_its_figure_and_its_table_lie_in_a_folder_named_after_all(
    studies, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(figures, "DPI", 40)
    path = joined.write(studies)
    assert str(path) == "reports/default-fashion-rates-joined/index.html"
    text = " ".join(path.read_text().split())
    assert "python -m src.report default five rates" not in text
    about = "3 activations, compared with ReLU, 2 seeds each, on 200 held-out images"
    assert f"<strong>default</strong>: {about}" in text
    about = "2 learning rates, compared with learning rate 0.01, 2 seeds each"
    assert f"<strong>rates</strong>: {about}" in text
    assert "Nothing is pooled" in text
    table = pd.read_csv(path.with_name("pairs.csv"))
    assert list(table)[:4] == ["study", "factor", "first", "second"]
    assert table["study"].value_counts().to_dict() == {"default": 3, "fashion": 1, "rates": 1}
    figures_there = {file.name for file in path.with_name("figures").iterdir()}
    assert figures_there == {"forest.png", "forest-dark.png"}


def test_each_study_is_a_block_with_its_pairs_and_its_own_smallest_effect(studies):
    with rc_context(style.STYLE):
        blocks = joined.forest(studies).axes
    assert [rows(axes) for axes in blocks] == [
        ["Swish − ReLU", "GELU − ReLU"],
        ["Swish − ReLU"],
        ["0.1 − 0.01"],
    ]
    widths = [axes.patches[0].get_width() for axes in blocks]
    assert widths == pytest.approx([0.04, 2.0, 0.04])
    for axes, one in zip(blocks, studies, strict=True):
        bars = [xs(line) for line in axes.lines if len(xs(line)) == 2][1:]
        intervals = [pair.comparison.difference for pair in one.pairs]
        assert bars == [[100 * one.low, 100 * one.high] for one in intervals]


def test_studies_share_a_scale_unless_their_differences_are_far_apart(studies):
    assert not joined.own_scales(studies[:1] * 2)
    wide = replace(studies[0].found, smallest_effect=0.9)
    assert joined.own_scales([studies[0], replace(studies[0], found=wide)])


def judged(study, *verdicts):
    both = zip(study.found.pairs, verdicts, strict=False)
    pairs = tuple(replace(pair, verdict=verdict) for pair, verdict in both)
    return replace(study, found=replace(study.found, pairs=pairs))


def test_studies_are_answered_together_with_all_factors_in_the_heading(studies):
    default, fashion, rates = studies
    found = [
        judged(default, Verdict.UNDECIDED, Verdict.WORSE),
        judged(fashion, Verdict.BETTER),
        rates,
    ]
    assert joined.answers(found) == [
        "Swish beats ReLU in 1 of 2 (fashion) and is undecided against ReLU in 1 of 2 (default)."
    ]
    assert joined.heading(studies[:2]) == "Where the activation matters"
    assert joined.heading(studies) == "Where the activation and learning rate matter"
