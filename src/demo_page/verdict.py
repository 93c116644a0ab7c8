"""What a study found, in two sentences below the models: from the numbers of its report."""

import json
from collections.abc import Mapping
from typing import Any

from src.analysis.run_set import ACTIVATION
from src.runtime import paths
from src.runtime.formatting import signed, span

DEFAULT = "default"  # the study whose report is committed
RESULTS = "results.json"


def caption(study: str | None, factor: str) -> str:
    """Return the caption for models of a study, or of none.

    Args:
        study: its name; for activations without one, or without a report, the default study speaks.
        factor: what the models differ in, a noun.
    """
    names = [study] if study else []
    names += [DEFAULT] if factor == ACTIVATION and study != DEFAULT else []
    for name in names:
        file = paths.REPORTS / name / RESULTS
        try:
            return _told(name, json.loads(file.read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no report here, or one that somebody changed
    return f"Whether the {factor} matters, several seeds of each and `python -m src.report` tell."


def _told(name: str, results: Mapping[str, Any]) -> str:
    """Return the finding on the pair that differs most from the reference, and what it means."""
    reference, seeds, images = results["reference"], len(results["seeds"]), results["images"]
    pairs = [one for one in results["pairs"] if one["comparison"]["second"] == reference]
    pair = max(pairs, key=lambda one: abs(one["comparison"]["difference"]["value"]))
    difference = pair["comparison"]["difference"]
    value, low, high = (100 * difference[key] for key in ("value", "low", "high"))
    different = any(one["significant"] for one in pairs)
    finding = (
        f"The study “{name}” trained each with {seeds} seeds and scored it on {images:,} held-out "
        f"images. Furthest from {reference} is {pair['comparison']['first']}, by "
        f"{signed(value, 3)} percentage points (95% interval {span(low, high, 3)}): "
        f"{_of_ten_thousand(value)} of 10,000 images."
    )
    meaning = (
        "Significant, but far less than a drawing can show."
        if different
        else "No detectable difference, and none that you can see here. That is the point."
    )
    return f"{finding} {meaning}"


def _of_ten_thousand(points: float) -> str:
    images = abs(points) * 100
    return f"about {images:.0f}" if images >= 1 else "fewer than one"
