"""The exhibit of models: accuracy against what it costs, with the Pareto front."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from src.analysis.findings import Findings
from src.analysis.run_set import RunSet
from src.evaluation.style import GUIDE, ink, new_figure, value_axis
from src.reporting.captions import Caption
from src.reporting.drawing import interval, looks_of
from src.reporting.exhibits import Exhibit
from src.runtime import heavy_imports
from src.runtime.formatting import listed
from src.tracking import store


def of(found: Findings, parameters: Mapping[str, int]) -> list[Exhibit]:
    """Return the exhibit of models; `parameters` may be empty."""
    costs: dict[str, Mapping[str, float]] = {}
    if found.times and not found.times.apart:
        seconds = found.times.seconds.items()
        costs["Seconds per epoch"] = {name: float(np.median(ones)) for name, ones in seconds}
    if parameters:
        costs["Parameters"] = parameters
    if not costs:
        return []
    return [Exhibit("pareto", caption(found, costs), partial(figure, found, costs))]


def parameters(client: MlflowClient, runs: RunSet) -> dict[str, int]:
    """Return the number of parameters of each model: as its runs state it, or else counted in a
    logged model. Empty unless it is known of every model.
    """
    found = {}
    for name, ones in runs.trainings.items():
        number = ones[0].parameters or _count(client, ones[0].run_id)
        if number is None:
            return {}
        found[name] = number
    return found


def _count(client: MlflowClient, run_id: str) -> int | None:
    """Return the number of parameters of the model that a run logged; None without a model."""
    logged = store.logged_models(client, client.get_run(run_id).info.experiment_id, run_id)
    if not logged:
        return None
    heavy_imports.load()
    import keras  # slow, and rarely needed

    with TemporaryDirectory() as folder:
        try:
            download_artifacts(artifact_uri=logged[0].artifact_location, dst_path=folder)
            [path, *_] = Path(folder).rglob("*.keras")
            return keras.saving.load_model(path, compile=False).count_params()
        except (MlflowException, OSError, ValueError, TypeError):
            return None


def front(costs: Mapping[str, float], accuracy: Mapping[str, float]) -> list[str]:
    """Return the levels that no other beats in both cost and accuracy, the cheapest first."""
    kept: list[str] = []
    for name in sorted(costs, key=lambda name: (costs[name], -accuracy[name])):
        if not kept or accuracy[name] > accuracy[kept[-1]]:
            kept.append(name)
    return kept


def figure(found: Findings, costs: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the mean accuracy against each cost, with the Pareto front.

    Args:
        found: the findings.
        costs: of each level, by the label of their axis.
    """
    drawn = new_figure(0.9 + 3.0 * len(costs), "Accuracy against cost")
    look = looks_of(found)
    means = {name: found.means[name].value for name in found.levels}
    panels = drawn.subplots(len(costs), 1, squeeze=False)[:, 0]
    for axes, (title, cost) in zip(panels, costs.items(), strict=True):
        best = front(cost, means)
        x, y = [cost[name] for name in best], [100 * means[name] for name in best]
        axes.step(x, y, where="post", color=ink(), **GUIDE)
        for name in found.levels:
            interval(axes, cost[name], found.means[name], look[name], upright=True)
            axes.annotate(
                name,
                (cost[name], 100 * means[name]),
                xytext=(8, 5 if name in best else -12),
                textcoords="offset points",
                fontsize=10,
                fontweight="bold" if name in best else "normal",
            )
        axes.margins(x=0.16, y=0.14)
        values = list(cost.values())
        value_axis(axes.xaxis, values)
        if max(values) >= 1e4:
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 500k, 1M
        axes.set_xlabel(title)
        axes.set_ylabel("Held-out accuracy (%)")
        axes.grid()
    return drawn


def caption(found: Findings, costs: Mapping[str, Mapping[str, float]]) -> Caption:
    """Say which levels are worth their cost."""
    means = {name: found.means[name].value for name in found.levels}
    parts = []
    for title, cost in costs.items():
        best = front(cost, means)
        beaten = [name for name in found.levels if name not in best]
        part = f"By {title.lower()}, the Pareto front is {listed(best)}"
        if beaten:
            verb = "is" if len(beaten) == 1 else "are"
            part += f"; {listed(beaten)} {verb} beaten by a cheaper one"
        parts.append(f"{part}.")
    return Caption(
        " ".join(parts),
        "The markers are mean accuracies with 95% CIs for new seeds on these images, the median "
        "epoch's time and the number of parameters. The dashed line is the Pareto front: a model "
        "on it (bold) has the highest mean of all that cost no more; whether two models differ "
        "significantly, the verdicts tell.",
    )
