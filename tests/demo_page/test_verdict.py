import json

import pytest

from src.core import paths
from src.demo_page import verdict


def results(value, significant):
    difference = {"value": value, "low": value - 0.0003, "high": value + 0.0003}
    comparison = {"first": "Swish", "second": "ReLU", "difference": difference}
    nearer = {
        "first": "GELU",
        "second": "ReLU",
        "difference": {"value": 0.0, "low": -0.0003, "high": 0.0003},
    }
    return {
        "reference": "ReLU",
        "seeds": [1, 2, 3],
        "images": 28_000,
        "pairs": [
            {"significant": False, "comparison": nearer},
            {"significant": significant, "comparison": comparison},
        ],
    }


@pytest.fixture
def report(tmp_path, monkeypatch):
    """A function that writes a study's results where the page looks for them."""
    monkeypatch.chdir(tmp_path)

    def write(name, value, significant=False):
        folder = paths.REPORTS / name
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps(results(value, significant)))

    return write


def test_the_largest_difference_is_told_with_its_interval_and_what_it_means(report):
    report("mine", -0.0002)
    assert verdict.caption("mine", "activation") == (
        "The study “mine” trained each with 3 seeds and scored it on 28,000 held-out images. "
        "Furthest from ReLU is Swish, by −0.020 percentage points (95% interval −0.050 to 0.010): "
        "about 2 of 10,000 images. No detectable difference, and none that you can see here. "
        "That is the point."
    )


def test_a_significant_difference_is_told_as_one(report):
    report("mine", 0.0004, significant=True)
    assert verdict.caption("mine", "activation").endswith(
        "about 4 of 10,000 images. Significant, but far less than a drawing can show."
    )


def test_without_a_report_the_default_study_speaks_for_activations_alone(report):
    report("default", 0.00001)
    for study in (None, "mine"):
        told = verdict.caption(study, "activation")
        assert told.startswith("The study “default”")
        assert "fewer than one of 10,000" in told
        assert verdict.caption(study, "optimizer").startswith("To find out whether the optimizer")


def test_without_any_report_or_with_a_damaged_one_it_says_what_tells(report):
    advice = (
        "To find out whether the activation matters, train several seeds of each and run "
        "`python -m src.report`."
    )
    assert verdict.caption(None, "activation") == advice
    report("default", 0.1)
    (paths.REPORTS / "default" / "results.json").write_text('{"seeds": 3}')
    assert verdict.caption(None, "activation") == advice
