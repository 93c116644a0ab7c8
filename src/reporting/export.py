"""The numbers of a report as files: all of them as JSON, the runs and the pairs as tables."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from src.analysis.findings import Findings, Pair
from src.analysis.run_set import RunSet
from src.core import metric_names
from src.reporting import remarks, verdict_words
from src.reporting.evidence import Evidence


def as_json(evidence: Evidence, found: Findings) -> str:
    """Return all findings as JSON. Accuracies are fractions; missing values are null."""
    runs = evidence.runs
    everything = {
        "title": runs.title,
        "question": runs.question,
        "parent_run_id": runs.parent_id,
        "remarks": remarks.of(runs, found),
        "factor": found.factor.key,
        "reference": found.reference,
        "compare": found.compare,
        "smallest_effect": found.smallest_effect,
        "because": found.because,
        "looks": found.looks,
        "seeds": found.seeds,
        "dataset": runs.dataset,
        "images": found.images,
        "levels": {name: _level(evidence, found, name) for name in found.levels},
        "pairs": list(map(_pair, found.pairs)),
        "error_overlap": found.overlap,
        "seed_effect": asdict(found.seed_effect) if found.seed_effect else None,
        "failed": found.failed,
    }
    return json.dumps(_plain(everything), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _level(evidence: Evidence, found: Findings, name: str) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "value": evidence.runs.values.get(name, name),
        "accuracy": found.accuracy[name],
        "mean": asdict(found.means[name]),
    }
    if found.times:
        ratio = found.times.estimates.get(name)  # the reference has none
        numbers["seconds_per_epoch"] = found.times.seconds[name]
        numbers["time_ratio"] = asdict(ratio) if ratio else None
    if evidence.profile:
        cost = evidence.profile.costs[name]
        numbers["forward_nanoseconds_per_element"] = cost.medians[0]
        numbers["backward_nanoseconds_per_element"] = cost.medians[1]
    if name in evidence.parameters:
        numbers["parameters"] = evidence.parameters[name]
    numbers |= {
        "epochs_to_0.99": found.epochs_to_goal[name],
        "median_validation_error": np.median(found.error_rates[name], axis=0),
        "calibration_error": asdict(found.calibration[name].error),
        "mean_confidence": found.calibration[name].confidence,
        "uniquely_misclassified": found.uniquely_misclassified[name],
    }
    return numbers | ({"beta": found.betas.get(name, {})} if evidence.profile else {})


def _pair(pair: Pair) -> dict[str, Any]:
    """Return a pair, with its sentence beside its verdict."""
    one = replace(pair.comparison, spread=None)
    numbers = {"significant": one.significant, **asdict(replace(pair, comparison=one))}
    del numbers["comparison"]["spread"]
    rest = {key: numbers.pop(key) for key in ("more_seeds", "superiority")}
    return {**numbers, "sentence": verdict_words.sentence(pair), **rest}


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: no arrays, no NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def runs_table(runs: RunSet, found: Findings) -> pd.DataFrame:
    """Return a row for each run: its scores, and its id in MLflow."""
    return pd.DataFrame(
        {
            found.factor.key: name,
            "seed": one.seed,
            "run_id": one.run_id,
            metric_names.TEST_ACCURACY: found.accuracy[name][place],
            metric_names.TEST_ERRORS: int((~runs.correct[name][place]).sum()),
            metric_names.BEST_VAL_ACCURACY: one.val_accuracy,
            metric_names.MEDIAN_EPOCH_SECONDS: found.times and found.times.seconds[name][place],
        }
        for name in found.levels
        for place, one in enumerate(runs.trainings[name])
    )


def pairs_table(found: Findings) -> pd.DataFrame:
    """Return a row for each pair: the difference (a fraction), its interval, and its tests."""
    tests = ("p_permutation", "p_mcnemar")
    table = pd.DataFrame(
        {
            "first": one.first,
            "second": one.second,
            "verdict": pair.verdict.value,
            "difference": one.difference.value,
            "low": one.difference.low,
            "high": one.difference.high,
            "p": one.difference.p_value,
            "p_equivalence": one.p_equivalence,
            **{key: getattr(one, key) for test in tests for key in (test, f"{test}_adjusted")},
            "superiority": pair.superiority.value,
            "superiority_low": pair.superiority.low,
            "superiority_high": pair.superiority.high,
            "more_seeds_low": pair.more_seeds and pair.more_seeds[0],
            "more_seeds_high": pair.more_seeds and pair.more_seeds[1],
            "seed_sd": one.difference.seed_sd,
            "image_se": one.difference.image_se,
            "minimum_detectable_effect": pair.minimum_detectable_effect,
            "seeds_needed": pair.seeds_needed,
        }
        for pair in found.pairs
        for one in [pair.comparison]
    )
    counts = ["more_seeds_low", "more_seeds_high", "seeds_needed"]
    return table.astype(dict.fromkeys(counts, "Int64"))  # it allows missing values
