from dataclasses import replace

import numpy as np
import pytest

from src.analysis.findings import EpochTimes
from src.analysis.statistics import Estimate
from src.config import factor
from src.reporting import captions
from tests.support.simulated_runs import pair

ACTIVATION, RATE = factor.of("activation", ["relu"]), factor.of("optimizer.learning_rate", [0.1])


def test_the_best_and_the_worst_accuracy_are_named_with_their_intervals(five):
    accuracy = {"ReLU": np.array([0.99, 0.992]), "Swish": np.array([0.995, 0.995])}
    means = {"ReLU": Estimate(0.991, 0.98998, 0.99202), "Swish": Estimate(0.995, 0.9949, 0.9951)}
    found = replace(five, seeds=(1, 2), images=28_000, accuracy=accuracy, means=means)
    caption = captions.accuracy(found)
    assert caption.finding == (
        "Swish has the highest mean, 99.50% (95% CI 99.49 to 99.51); ReLU has the lowest, 99.10% "
        "(95% CI 98.99 to 99.21), which is 0.400 pp less. The standard deviation across seeds is "
        "0.000 to 0.141 pp."
    )
    assert "2 seeds per activation, 28,000 images" in caption.reading


def test_the_power_is_that_of_the_pairs_with_the_reference(five):
    pairs = (
        pair("Swish", seeds_needed=12),
        pair("GELU", seeds_needed=None, minimum_detectable_effect=8e-4),
        pair("Swish", "GELU", seeds_needed=7, minimum_detectable_effect=1e-4),
    )
    found = replace(five, pairs=pairs)
    assert captions.power(found).finding == (
        "Detecting a difference of 0.02 pp from ReLU takes 12 seeds for Swish and over 10,000 for "
        "GELU. With the 4 seeds of this study, the minimum detectable effect is 0.060 to 0.080 pp."
    )


def timed(reference="ReLU", factor=ACTIVATION, **estimates):
    return captions.epoch_time(EpochTimes({}, {}, estimates), reference, factor).finding


def test_pairs_of_different_processors_are_left_out_and_told():
    times = EpochTimes(
        seconds={},
        ratios={"Swish": np.array([1.1, 1.2, 1.3])},
        estimates={"Swish": Estimate(1.2, 1.151, 1.249)},
        apart={"Swish": 1, "GELU": 4},
    )
    finding = captions.epoch_time(times, "ReLU", ACTIVATION).finding
    assert finding.endswith(
        "There is no ratio for GELU: the runs of one seed ran on another processor than "
        "those of ReLU. Pairs of runs on different processors are left out (Swish 1 of 4)."
    )


def test_longer_shorter_and_indistinguishable_times_are_told_apart():
    found = timed(
        GELU=Estimate(1.2, 1.151, 1.249),
        Swish=Estimate(0.9, 0.85, 0.95),
        Mish=Estimate(1.01, 0.98, 1.04),
        ELU=Estimate(1.3, 1.2, 1.4),
    )
    assert found == (
        "Epochs take longer than with ReLU: GELU 1.20× (1.15 to 1.25) and ELU 1.30× (1.20 to "
        "1.40). Epochs are shorter than with ReLU: Swish 0.90× (0.85 to 0.95). No detectable "
        "difference in time from ReLU: Mish 1.01× (0.98 to 1.04)."
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.0, 1.1, "No detectable difference in time from ReLU: Swish 1.05×"),
        (1.001, 1.1, "Epochs take longer than with ReLU: Swish 1.05×"),
        (0.9, 0.999, "Epochs are shorter than with ReLU: Swish 0.95×"),
    ],
)
def test_an_interval_that_includes_1_is_no_detectable_difference(low, high, said):
    assert timed(Swish=Estimate((low + high) / 2, low, high)).startswith(said)


def test_the_last_errors_and_the_epochs_to_99_percent_are_told(five):
    rates = {
        "ReLU": np.array([[0.02, 0.01], [0.03, 0.012]]),
        "Swish": np.array([[0.02, 0.008], [0.02, 0.01]]),
        "GELU": np.array([[0.02, 0.0104], [0.02, 0.0106]]),
    }
    reached = {"ReLU": [2.0, 3.0], "Swish": [np.nan, 4.0], "GELU": [np.nan, np.nan]}
    reached = {name: np.array(epochs) for name, epochs in reached.items()}
    found = replace(five, error_rates=rates, epochs_to_goal=reached)
    assert captions.learning_curves(found).finding == (
        "After 2 epochs, the median validation error ranges from 0.90% (Swish) to 1.10% (ReLU). "
        "Epochs to reach 99% accuracy: ReLU 2.5, Swish 4 (1 of 2 never) and GELU never."
    )


@pytest.mark.parametrize(
    ("confidences", "said"),
    [
        ((0.95, 0.96, 0.97), "With every activation, the runs are underconfident."),
        ((0.995, 0.996, 0.997), "With every activation, the runs are overconfident."),
        (
            (0.95, 0.996, 0.997),
            "With ReLU, the runs are underconfident; with GELU and Swish, overconfident.",
        ),
        (
            (0.95, 0.996, 0.97),
            "With ReLU and Swish, the runs are underconfident; with GELU, overconfident.",
        ),
    ],
)
def test_confidence_is_compared_with_accuracy(five, confidences, said):
    error = Estimate(0.0123, 0.01, 0.02)
    calibration = {
        name: replace(five.calibration[name], confidence=one, accuracy=0.99, error=error)
        for name, one in zip(("ReLU", "GELU", "Swish"), confidences, strict=True)
    }
    finding = captions.calibration(replace(five, calibration=calibration)).finding
    assert finding == (
        f"{said} Expected calibration error in pp: ReLU 1.23, GELU 1.23 and Swish 1.23."
    )


@pytest.mark.parametrize(
    ("between", "said"), [(0.3, "more than"), (0.38, "hardly more than"), (0.45, "no more than")]
)
def test_errors_that_activations_share_are_compared_with_those_that_seeds_share(
    five, between, said
):
    overlap = np.array([[0.42, between], [between, 0.4]])
    finding = captions.error_overlap(replace(five, overlap=overlap)).finding
    assert finding == (
        "Two seeds of one activation share 40 to 42% of their errors, runs of two activations "
        f"{100 * between:.0f}%: switching the activation changes which images are misclassified "
        f"{said} switching the seed does."
    )


def test_images_that_one_activation_alone_misclassifies_are_counted(five):
    unique = {"ReLU": np.array([3, 8]), "Swish": np.array([], int)}
    found = replace(five, uniquely_misclassified=unique)
    finding = captions.uniquely_misclassified(found).finding
    assert finding == (
        "Images that one activation alone misclassifies, out of 1,000: ReLU 2 and Swish 0."
    )


def test_numbers_are_named_as_what_they_are():
    assert captions.named(RATE, "0.006") == "learning rate 0.006"
    assert captions.named(ACTIVATION, "ReLU") == "ReLU"
    assert timed("0.006", RATE, **{"0.01": Estimate(1.2, 1.151, 1.249)}) == (
        "Epochs take longer than with learning rate 0.006: 1.20× (1.15 to 1.25) at 0.01."
    )


@pytest.mark.parametrize("noun", ["optimizer", "variant"])
def test_captions_speak_of_the_factor(five, noun):
    found = replace(five, factor=factor.of(noun, ["a"]))
    assert captions.error_overlap(found).finding.startswith(f"Two seeds of one {noun} share")
    names = "accuracy differences power learning_curves calibration error_overlap"
    for name in (*names.split(), "uniquely_misclassified", "difference_table"):
        assert "activation" not in str(getattr(captions, name)(found))


def test_where_no_run_reaches_99_percent_one_sentence_says_so(short):
    assert "No run reaches 99% accuracy." in captions.learning_curves(short).finding
