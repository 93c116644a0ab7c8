"""The findings on a set of runs: every number of the report, computed once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from src.analysis import diagnostics, planning, statistics, verdicts
from src.analysis.diagnostics import Reliability
from src.analysis.run_set import ALL, RunSet
from src.analysis.statistics import Comparison, Estimate
from src.analysis.verdicts import Verdict
from src.config.factor import Factor
from src.core import metric_names
from src.core.errors import InputError
from src.core.formatting import listed, seed_list
from src.data.digits import CLASSES
from src.tracking import run_tags

GOAL = 0.99  # the validation accuracy for the epochs to reach it
FEW = 20  # predictions; a bin with fewer says little about its accuracy


@dataclass(frozen=True)
class Pair:
    """The comparison of two levels, and the power of the study."""

    comparison: Comparison
    by_seed: np.ndarray  # the difference within each seed, a fraction, float (seeds,)
    minimum_detectable_effect: float  # by this many seeds with a power of 80%, a fraction
    seeds_needed: int | None  # to detect the smallest effect that matters; None if over 10,000
    verdict: Verdict  # on the first of the two
    more_seeds: tuple[int, int] | None  # of an undecided pair; see `planning.more_seeds`
    images_needed: float | None  # if no number of seeds is enough; see `planning.images_needed`
    superiority: Estimate  # that a run of the first beats a run of the second, on these images

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
    means: Mapping[str, Estimate]  # of the accuracies, for new seeds and new images
    failed: Mapping[str, tuple[int, ...]]  # seeds with which a level failed to learn, if any
    seed_effect: Estimate | None  # see `diagnostics.seed_effect`
    pairs: tuple[Pair, ...]  # that the study judges, those with the reference first
    times: EpochTimes | None  # None if a run has only one epoch, the one that compiles
    error_rates: Mapping[str, np.ndarray]  # on the validation images, float (seeds, epochs)
    epochs_to_goal: Mapping[str, np.ndarray]  # first epoch at `GOAL`, float (seeds,); NaN if none
    calibration: Mapping[str, Calibration]
    # Of errors, float (levels, levels); see `diagnostics.error_overlap`. None if each seed has its
    # own images.
    overlap: np.ndarray | None
    uniquely_misclassified: Mapping[str, np.ndarray]  # see `diagnostics.uniquely_misclassified`
    most_common_error: Mapping[str, np.ndarray]  # there: the wrong class of most seeds, (≤ images,)
    wrong_seeds: Mapping[str, np.ndarray]  # how many misclassify each image, integers (images,)
    betas: Mapping[str, Mapping[str, np.ndarray]]  # learned β by layer, float (seeds, epochs)
    compare: str  # see `RunSet`
    looks: tuple[int, ...]
    images_by_seed: bool  # each seed has held-out images of its own
    first_seeds: int | None  # how many the study had when it began; None if unknown
    guess: float  # the accuracy of predicting the most frequent class every time, a fraction
    because: str | None = None  # the study's reason for its smallest effect

    @property
    def intervals(self) -> str:
        """What the intervals of means and differences are for."""
        if self.images_by_seed:
            return "for new draws of the data"
        return "for new seeds and new images"

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
    guess = float(np.unique_counts(runs.labels).counts.max() / len(runs.labels))
    failed = {
        name: tuple(np.array(runs.seeds)[stuck].tolist())
        for name, values in accuracy.items()
        if (stuck := verdicts.failed(values, guess)).any()
    }
    sound = {name: right for name, right in correct.items() if name not in failed}
    judged = accuracy if runs.images_by_seed else correct
    # The reference comes last here, so that each difference is level minus reference.
    learned = {name: judged[name] for name in (*others, reference) if name in sound}
    comparisons: list[Comparison] = []
    if len(learned) > 1 and (runs.compare == ALL or reference in learned):
        comparisons = statistics.compare(
            learned,
            reference=None if runs.compare == ALL else reference,
            smallest_effect=runs.smallest_effect,
            looks=runs.looks,
            images=len(runs.labels),
        )
    if not comparisons:
        named = [f"{name} with {seed_list(some)}" for name, some in failed.items()]
        raise InputError(
            f"No two {runs.factor.plural} can be compared, because runs failed to learn: "
            f"{listed(named)}. Their learning rate may be too high."
        )
    comparisons.sort(key=lambda one: one.second != reference)
    validation = runs.by_epoch(metric_names.VAL_ACCURACY)
    unique = {name: np.empty(0, int) for name in order}
    if not runs.images_by_seed:
        unique = diagnostics.uniquely_misclassified(correct)
    first_seeds = runs.tags.get(run_tags.FIRST_SEEDS)
    return Findings(
        factor=runs.factor,
        reference=reference,
        smallest_effect=runs.smallest_effect,
        seeds=tuple(runs.seeds),
        images=len(runs.labels),
        accuracy=accuracy,
        means={name: statistics.mean(judged[name]) for name in order},
        failed=failed,
        seed_effect=None if runs.images_by_seed else diagnostics.seed_effect(sound),
        pairs=tuple(pair(one, accuracy) for one in comparisons),
        times=_times(runs, order, reference),
        error_rates={name: 1 - validation[name] for name in order},
        epochs_to_goal={name: diagnostics.epochs_to(validation[name], GOAL) for name in order},
        calibration={name: _calibration(runs, name) for name in order},
        overlap=None if runs.images_by_seed else diagnostics.error_overlap(correct),
        uniquely_misclassified=unique,
        most_common_error={name: _most_common_error(runs, name, unique[name]) for name in order},
        wrong_seeds={name: (~correct[name]).sum(axis=0) for name in order},
        betas={name: betas for name in order if (betas := runs.betas(name))},
        compare=runs.compare,
        looks=runs.looks,
        images_by_seed=runs.images_by_seed,
        first_seeds=int(first_seeds) if first_seeds else None,
        guess=guess,
        because=runs.tags.get(run_tags.BECAUSE),
    )


def pair(comparison: Comparison, accuracy: Mapping[str, np.ndarray]) -> Pair:
    """Return a pair with its verdict and its power, given each level's accuracies."""
    first, second = accuracy[comparison.first], accuracy[comparison.second]
    effect, spread, number = comparison.smallest_effect, comparison.spread, comparison.seeds
    assert spread is not None  # `compare` sets it
    verdict, more, images = verdicts.verdict(comparison), None, None
    if verdict is Verdict.UNDECIDED and effect:
        more = planning.more_seeds(spread, comparison.difference.value, number, effect)
        if more is None and comparison.images is not None:
            images = planning.images_needed(spread, comparison.images, effect)
    return Pair(
        comparison=comparison,
        by_seed=first - second if first.size == second.size else np.empty(0),
        minimum_detectable_effect=spread.detectable_effect(number),
        seeds_needed=spread.seeds_needed(effect) if effect else None,
        verdict=verdict,
        more_seeds=more,
        images_needed=images,
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
    by_seed = [one.reliability for one in runs.trainings[name]]
    errors = np.array([one.expected_calibration_error for one in by_seed])
    together = diagnostics.pooled(by_seed)
    return Calibration(
        reliability=together,
        error=statistics.mean_over_seeds(errors),
        confidence=together.mean_confidence,
        accuracy=float(runs.correct[name].mean()),
    )
