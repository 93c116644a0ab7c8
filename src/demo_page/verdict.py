"""The caption below the models: what their study found, read from the numbers of its report."""

import json

from src.analysis.run_set import ACTIVATION
from src.core import paths
from src.reporting import verdict_words

DEFAULT = "default"  # the study whose report is committed
RESULTS = "results.json"


def caption(study: str | None, factor: str) -> str:
    """Return the caption for models of a study that differ in `factor`, a noun. For activations of
    no study, or of one without a report, it quotes the study `default`.
    """
    quoted = [DEFAULT] if factor == ACTIVATION else []
    for name in [study, *quoted] if study else quoted:
        try:
            results = json.loads((paths.REPORTS / name / RESULTS).read_text())
            return verdict_words.for_the_demo(name, results)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no report here, or one that somebody changed
    return (
        f"To find out whether the {factor} matters, train several seeds of each and run "
        "`python -m src.report`."
    )
