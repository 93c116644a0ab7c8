"""The findings on a set of runs: every number of the report, computed once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from src.analysis import diagnostics, statistics, verdicts
from src.analysis.diagnostics import Reliability
from src.analysis.run_set import ALL, RunSet
from src.analysis.statistics import Comparison, Estimate
from src.analysis.verdicts import Verdict
from src.config.factor import Factor
from src.core import metric_names
from src.data.digits import CLASSES
from src.tracking import run_tags

GOAL = 0.99  # the validation accuracy for the epochs to reach it
FEW = 20  # predictions; a bin with fewer says little about its accuracy


@dataclass(frozen=True)
class Pair:
    """The comparison of two levels, and the power of the study on these and on new images."""

    comparison: Comparison
    by_seed: np.ndarray  # the difference within each seed, a fraction, float (seeds,)
    minimum_detectable_effect: float  # by this many seeds with a power of 80%, a fraction
    minimum_detectable_effect_new_images: float
    seeds_needed: int | None  # to detect the smallest effect that matters; None if over 10,000
    seeds_needed_new_images: int | None
    verdict: Verdict  # on the first of the two
    more_seeds: int | None  # see `verdicts.more_seeds`
    superiority: Estimate  # the probability that a run of the first beats a run of the second

    @property
    def name(self) -> str:
        """Both names, with a true minus sign between them."""
        return f"{self.comparison.first} − {self.comparison.second}"


@dataclass(frozen=True)
class EpochTimes:
    """The time per epoch, without the first of each run, by level. Ratios are to the reference with
    the same seed, of runs on one processor; of fewer than two such pairs there are none.
    """

    seconds: dict[str, np.ndarray]  # of each run's median epoch, float (seeds,)
    ratios: dict[str, np.ndarray]  # float (pairs,)
    estimates: dict[str, Estimate]  # the geometric means of the ratios
    apart: dict[str, int] = field(default_factory=dict)  # pairs on two processors, if any


@dataclass(frozen=True)
class Calibration:
    """How well the confidence of a level's runs matches their accuracy."""

    reliability: Reliability  # of all seeds pooled
    error: Estimate  # mean over seeds of the expected calibration error
    confidence: float  # mean over images and seeds
    accuracy: float  # likewise


@dataclass(frozen=True)
class Findings:
    """Every number of the report, by level in the order of the figures: numbers by value, of other
    levels the reference first.
    """

    factor: Factor
    reference: str  # the level that others are compared with
    smallest_effect: float  # a difference in accuracy below it does not matter, a fraction
    seeds: tuple[int, ...]
    images: int
    accuracy: Mapping[str, np.ndarray]  # of each run on the held-out images, float (seeds,)
    means: Mapping[str, Estimate]  # of the accuracies, for new seeds on these images
    pairs: tuple[Pair, ...]  # that the study judges, those with the reference first
    times: EpochTimes | None  # None if a run has only one epoch, the one that compiles
    error_rates: Mapping[str, np.ndarray]  # on the validation images, float (seeds, epochs)
    epochs_to_goal: Mapping[str, np.ndarray]  # first epoch at `GOAL`, float (seeds,); NaN if none
    calibration: Mapping[str, Calibration]
    overlap: np.ndarray  # of errors, float (levels, levels); see `diagnostics.error_overlap`
    uniquely_misclassified: Mapping[str, np.ndarray]  # see `diagnostics.uniquely_misclassified`
    most_common_error: Mapping[str, np.ndarray]  # there: the wrong class of most seeds, (≤ images,)
    wrong_seeds: Mapping[str, np.ndarray]  # how many misclassify each image, integers (images,)
    betas: Mapping[str, Mapping[str, np.ndarray]]  # learned β by layer, float (seeds, epochs)
    compare: str  # see `RunSet`
    looks: tuple[int, ...]
    first_seeds: int | None  # how many the study had when it began; None if unknown
    guess: float  # the accuracy of predicting the most frequent class every time, a fraction
    because: str | None = None  # the study's reason for its smallest effect

    @property
    def levels(self) -> list[str]:
        """The names of the levels."""
        return list(self.accuracy)

    @property
    def last_errors(self) -> dict[str, float]:
        """Median over seeds of the validation error after the last epoch."""
        return {name: float(np.median(rates[:, -1])) for name, rates in self.error_rates.items()}


def compute(runs: RunSet, reference: str) -> Findings:
    """Return the findings on a set of runs; `reference` is one of its levels."""
    others = [name for name in runs.trainings if name != reference]
    order = list(runs.trainings) if runs.factor.numeric else [reference, *others]
    correct = {name: runs.correct[name] for name in order}
    accuracy = {name: right.mean(axis=1) for name, right in correct.items()}
    # The reference comes last here, so that each difference is level minus reference.
    comparisons = statistics.compare(
        {name: correct[name] for name in (*others, reference)},
        reference=None if runs.compare == ALL else reference,
        smallest_effect=runs.smallest_effect,
        looks=runs.looks,
    )
    comparisons.sort(key=lambda one: one.second != reference)
    validation = runs.by_epoch(metric_names.VAL_ACCURACY)
    unique = diagnostics.uniquely_misclassified(correct)
    first_seeds = runs.tags.get(run_tags.FIRST_SEEDS)
    return Findings(
        factor=runs.factor,
        reference=reference,
        smallest_effect=runs.smallest_effect,
        seeds=tuple(runs.seeds),
        images=len(runs.labels),
        accuracy=accuracy,
        means={name: statistics.mean_over_seeds(accuracy[name]) for name in order},
        pairs=tuple(_pair(one, accuracy) for one in comparisons),
        times=_times(runs, order, reference),
        error_rates={name: 1 - validation[name] for name in order},
        epochs_to_goal={name: diagnostics.epochs_to(validation[name], GOAL) for name in order},
        calibration={name: _calibration(runs, name) for name in order},
        overlap=diagnostics.error_overlap(correct),
        uniquely_misclassified=unique,
        most_common_error={name: _most_common_error(runs, name, unique[name]) for name in order},
        wrong_seeds={name: (~correct[name]).sum(axis=0) for name in order},
        betas={name: betas for name in order if (betas := runs.betas(name))},
        compare=runs.compare,
        looks=runs.looks,
        first_seeds=int(first_seeds) if first_seeds else None,
        guess=float(np.unique_counts(runs.labels).counts.max() / len(runs.labels)),
        because=runs.tags.get(run_tags.BECAUSE),
    )


def _pair(comparison: Comparison, accuracy: Mapping[str, np.ndarray]) -> Pair:
    first, second = accuracy[comparison.first], accuracy[comparison.second]
    effect, seeds = comparison.smallest_effect, first.size
    seed_sd, image_se = comparison.difference.seed_sd, comparison.difference.image_se
    detectable, needed = statistics.minimum_detectable_effect, statistics.seeds_needed
    return Pair(
        comparison=comparison,
        by_seed=first - second,
        minimum_detectable_effect=detectable(seeds, seed_sd),
        minimum_detectable_effect_new_images=detectable(seeds, seed_sd, image_se),
        seeds_needed=needed(seed_sd, difference=effect),
        seeds_needed_new_images=needed(seed_sd, image_se, effect),
        verdict=verdicts.verdict(comparison),
        more_seeds=verdicts.more_seeds(comparison),
        superiority=statistics.superiority(first, second),
    )


def _times(runs: RunSet, order: list[str], reference: str) -> EpochTimes | None:
    seconds = runs.by_epoch(metric_names.EPOCH_SECONDS)
    if min(values.shape[1] for values in seconds.values()) < 2:
        return None
    medians = {name: diagnostics.median_epochs(seconds[name]) for name in order}
    ran_on = {name: [one.processor for one in runs.trainings[name]] for name in order}
    times = EpochTimes(medians, {}, {}, {})
    for name in (one for one in order if one != reference):
        ran = zip(ran_on[name], ran_on[reference], strict=True)
        # Runs known to come from different processors are not compared; None is not known.
        pairs = np.array([one == other or None in (one, other) for one, other in ran])
        if not pairs.all():
            times.apart[name] = int((~pairs).sum())
        if pairs.sum() > 1:
            some, others = seconds[name][pairs], seconds[reference][pairs]
            times.ratios[name] = medians[name][pairs] / medians[reference][pairs]
            times.estimates[name] = diagnostics.time_ratio(some, others)
    return times


def _most_common_error(runs: RunSet, name: str, places: np.ndarray) -> np.ndarray:
    """Return the most common wrong prediction over the seeds, integers (places,)."""
    readings = np.stack([one.predicted[places] for one in runs.trainings[name]])
    votes = (readings[..., None] == np.arange(CLASSES)).sum(axis=0)
    votes[np.arange(len(places)), runs.labels[places]] = 0
    return votes.argmax(axis=1)


def _calibration(runs: RunSet, name: str) -> Calibration:
    probabilities, labels = runs.probabilities(name), runs.labels
    by_seed = [diagnostics.reliability(one, labels) for one in probabilities]
    errors = np.array([one.expected_calibration_error for one in by_seed])
    return Calibration(
        reliability=diagnostics.reliability(probabilities, labels),
        error=statistics.mean_over_seeds(errors),
        confidence=float(probabilities.max(axis=-1).mean()),
        accuracy=float((probabilities.argmax(axis=-1) == labels).mean()),
    )
