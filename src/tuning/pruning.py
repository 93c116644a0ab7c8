"""The end of a trial that does badly: decided in its own process, after each of its epochs."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from src.config.search_file import Search
from src.tracking import run_tags


@dataclass(frozen=True)
class Pruning:
    """Says after each epoch of a trial whether it is pruned (`planned_run.EndsEarly`).

    It compares with all other trials as MLflow has them at that moment. Where the store is away,
    the trial goes on.

    Attributes:
        name: of the search.
        search: the search.
        parent_id: the id of its run in MLflow.
        number: of the trial.
        epochs: of a whole training.
    """

    name: str
    search: Search
    parent_id: str
    number: int
    epochs: int

    def __call__(self, run_id: str | None, accuracies: Mapping[int, float]) -> bool:
        """Return whether it is pruned, and note it in its run."""
        from mlflow import MlflowClient  # all three: in a worker's process alone

        from src.tracking import store
        from src.tuning import sampling, trials

        done = max(accuracies)
        if run_id is None or done >= self.epochs:
            return False
        with suppress(*store.AWAY):
            client = MlflowClient()
            tags = client.get_run(run_id).data.tags
            if run_tags.PRUNED in tags:  # before it was interrupted
                return True
            others = trials.Record(client, self.parent_id).trials()
            known = [
                replace(one, state=trials.State.OPEN, accuracies=accuracies)
                if one.number == self.number
                else one
                for one in others
            ]
            pruned, kept = sampling.is_pruned(
                self.name, self.search, self.epochs, known, self.number
            )
            if kept:
                client.set_tag(run_id, run_tags.PRUNER_STATE, json.dumps(kept))
            if pruned:
                client.set_tag(run_id, run_tags.PRUNED, str(done))
            return pruned
        return False
