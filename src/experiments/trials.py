"""The trials of a search as MLflow has them: its only record.

The parent run has a tag with the values of each trial, set before it begins; a child run has its
result. So a search resumes after any interruption.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from src.core import metric_names
from src.tracking import run_tags


class State(StrEnum):
    """The state of a trial."""

    OPEN = "open"  # in progress, or interrupted
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class Trial:
    """A trial of a search."""

    number: int  # from 0
    params: Mapping[str, Any]  # the drawn values, by the keys of the configuration
    state: State = State.OPEN
    value: float | None = None  # the best validation accuracy; None if it has not ended well
    accuracies: Mapping[int, float] = field(default_factory=dict)  # for validation, by epoch
    seconds: float | None = None  # of training
    run_id: str | None = None  # of its run in MLflow, if it has one
    pruner_state: Mapping[str, float] = field(default_factory=dict)  # Optuna's for this trial

    @property
    def ended(self) -> bool:
        """Whether it has ended well: complete or pruned."""
        return self.state in (State.COMPLETE, State.PRUNED)


PREFIX = run_tags.TRIAL_PREFIX
STATES = {"FINISHED": State.COMPLETE, "FAILED": State.FAILED}
# Of several runs of a trial the last in this order counts.
RANK = (State.FAILED, State.OPEN, State.COMPLETE, State.PRUNED)


class Record:
    """Reads and extends the record of a search, whose run is `parent` (`parent.Parent`)."""

    def __init__(self, parent: Any):
        self.parent = parent
        self.known: dict[str, Trial] = {}  # trials that have ended, by their run

    def begin(self, number: int, params: Mapping[str, Any]) -> Trial:
        """Record the values of a trial before it begins; return it."""
        self.parent.client.set_tag(self.parent.run_id, f"{PREFIX}{number}", json.dumps(params))
        return Trial(number, dict(params))

    def trials(self) -> list[Trial]:
        """Return every trial that has begun, in order."""
        if self.parent.run_id is None:
            return []
        tags = self.parent.client.get_run(self.parent.run_id).data.tags
        texts = {key: value for key, value in tags.items() if key.startswith(PREFIX)}
        drawn = {int(key.removeprefix(PREFIX)): json.loads(one) for key, one in texts.items()}
        found = {number: Trial(number, params) for number, params in drawn.items()}
        for child in self.parent.children():
            number = int(child.data.tags.get(run_tags.TRIAL, -1))
            if number in drawn:  # else it was killed before it had tags
                trial = self.known.get(child.info.run_id) or self._read(child, drawn[number])
                before = found[number]
                if before.run_id is None or RANK.index(trial.state) >= RANK.index(before.state):
                    found[number] = trial
        return [found[number] for number in sorted(found)]

    def _read(self, child: Any, params: Mapping[str, Any]) -> Trial:
        run_id, tags, metrics = child.info.run_id, child.data.tags, child.data.metrics
        state = STATES.get(child.info.status, State.OPEN)
        if state == State.COMPLETE and run_tags.PRUNED in tags:
            state = State.PRUNED
        points = self.parent.client.get_metric_history(run_id, metric_names.VAL_ACCURACY)
        trial = Trial(
            number=int(tags[run_tags.TRIAL]),
            params=params,
            state=state,
            value=metrics.get(metric_names.BEST_VAL_ACCURACY),
            accuracies={point.step: point.value for point in points},
            seconds=metrics.get(metric_names.TRAIN_SECONDS),
            run_id=run_id,
            pruner_state=json.loads(tags.get(run_tags.PRUNER_STATE, "{}")),
        )
        if trial.ended:
            self.known[run_id] = trial
        return trial


def best(trials: list[Trial]) -> Trial | None:
    """Return the complete trial with the highest objective, the first among equals; None if there
    is none. A pruned one's does not compare: it has seen fewer epochs.
    """
    complete = [trial for trial in trials if trial.state == State.COMPLETE]
    return max(complete, key=lambda trial: trial.value or 0.0, default=None)
