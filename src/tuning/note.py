"""How a search reads in MLflow: its parent run's tags, metrics and description."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from src.config import override
from src.data.dataset import Dataset
from src.runtime import formatting, metric_names
from src.tracking import environment, run_tags, views
from src.tuning import design, trials
from src.tuning.trials import State, Trial

if TYPE_CHECKING:
    from src.tuning.runner import Task

NOTE = "mlflow.note.content"
MOST_ROWS = 30


def describe(client: Any, parent_id: str, task: "Task", data: Dataset) -> None:
    """Give the parent run the tags that say what it is."""
    tags = {
        **environment.tags(),
        run_tags.QUESTION: task.search.question,
        "experiment": task.search.experiment,
        "data_digest": data.digest,
        "trials": str(task.search.trials),
        "sampler": task.search.sampler,
        "pruner": task.search.pruner,
        NOTE: _note(task, []),
    }
    for key, value in tags.items():
        client.set_tag(parent_id, key, value)
    views.offer_runs(client, client.get_run(parent_id).info.experiment_id)


def summarize(client: Any, parent_id: str, task: "Task", found: list[Trial]) -> None:
    """Give the parent run what was found: the best objective, and a table in its description."""
    winner = trials.best(found)
    assert winner is not None
    assert winner.value is not None
    known = client.get_run(parent_id)
    if known.data.metrics.get(metric_names.BEST_VAL_ACCURACY) != winner.value:
        client.log_metric(parent_id, metric_names.BEST_VAL_ACCURACY, winner.value)
    tags = {
        run_tags.BEST_TRIAL: str(winner.number),
        run_tags.BEST_OVERRIDES: " ".join(design.words(winner.params)),
        NOTE: _note(task, found),
    }
    for key, value in tags.items():
        if known.data.tags.get(key) != value:
            client.set_tag(parent_id, key, value)
    if known.info.status != "FINISHED":
        client.set_terminated(parent_id)


def _note(task: "Task", found: Sequence[Trial]) -> str:
    """Return the description in Markdown, the best trials first."""
    search = task.search
    spaces = [f"- `{key}`: {one}" for key, one in search.ranges.items()]
    lines = [
        f"{search.question}\n",
        f"{formatting.count(search.trials, 'trial')} by {search.sampler}, pruned by "
        f"{search.pruner}, on {search.dataset}. Recipe: `{' '.join(task.common)}`. Space:\n",
        *spaces,
    ]
    if found:
        order = sorted(found, key=lambda one: (one.state != State.COMPLETE, -(one.value or 0)))
        keys = list(search.ranges)
        head = ["trial", *(f"`{key}`" for key in keys), "validation accuracy", "epochs", ""]
        lines += ["", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for one in order[:MOST_ROWS]:
            values = [f"`{override.value(one.params[key])}`" for key in keys]
            value = "–" if one.value is None else f"{one.value:.4f}"
            state = "" if one.state == State.COMPLETE else one.state.value
            cells = [str(one.number), *values, value, str(len(one.accuracies)), state]
            lines.append(f"| {' | '.join(cells)} |")
    if task.level is None:
        lines.append(
            f"\nTo go on, or repeat it: `python -m src.search {task.name}`. What it found: "
            f"`python -m src.train experiment={task.name}`."
        )
    return "\n".join(lines)
