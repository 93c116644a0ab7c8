import json

import pytest

from src.core import paths
from src.demo_page import readers


def pair(first, value, significant):
    difference = {"value": value, "low": value - 0.0003, "high": value + 0.0003}
    comparison = {"first": first, "second": "ReLU", "difference": difference}
    return {"significant": significant, "comparison": comparison}


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A function that writes a study's results where the page looks for them."""
    monkeypatch.chdir(tmp_path)

    def write(name, value, significant=False):
        pairs = [pair("GELU", 0.0, False), pair("Swish", value, significant)]
        facts = {"reference": "ReLU", "seeds": [1, 2, 3], "images": 28_000, "pairs": pairs}
        (paths.REPORTS / name).mkdir(parents=True)
        (paths.REPORTS / name / "results.json").write_text(json.dumps(facts))

    return write


def test_the_largest_difference_is_given_with_its_interval_and_its_meaning(report):
    report("mine", -0.0002)
    assert readers.caption("mine", "activation") == (
        "The study “mine” trained each with 3 seeds and scored it on 28,000 held-out images. "
        "Furthest from ReLU is Swish, by −0.020 percentage points (95% interval −0.050 to 0.010): "
        "about 2 of 10,000 images. No detectable difference, and none that you can see here. "
        "That is the point."
    )


def test_a_significant_difference_is_called_so(report):
    report("mine", 0.0004, significant=True)
    assert readers.caption("mine", "activation").endswith(
        "about 4 of 10,000 images. Significant, but far less than a drawing can show."
    )


def test_without_a_report_the_default_study_is_quoted_for_activations_alone(report):
    report("default", 0.00001)
    for study in (None, "mine"):
        caption = readers.caption(study, "activation")
        assert caption.startswith("The study “default”")
        assert "fewer than one of 10,000" in caption
        assert readers.caption(study, "optimizer").startswith("To find out whether the optimizer")


def test_without_a_report_or_with_a_damaged_one_it_says_how_to_find_out(report):
    advice = (
        "To find out whether the activation matters, train several seeds of each and run "
        "`python -m src.report`."
    )
    assert readers.caption(None, "activation") == advice
    report("default", 0.1)
    (paths.REPORTS / "default" / "results.json").write_text('{"seeds": 3}')
    assert readers.caption(None, "activation") == advice
