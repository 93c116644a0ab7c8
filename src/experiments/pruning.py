"""Pruning: a trial that does badly stops early. Its own process decides, after each epoch."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from src.config.search_file import Search
from src.tracking import run_tags


@dataclass(frozen=True)
class Pruning:
    """Decides after each epoch whether to prune a trial (`run_spec.EarlyStop`).

    It compares with all other trials as MLflow has them at that moment. If the store cannot be
    used, the trial continues.
    """

    name: str  # of the search
    search: Search
    parent_id: str  # of the search's run in MLflow
    number: int  # of the trial
    epochs: int  # of a complete training

    def __call__(self, run_id: str | None, accuracies: Mapping[int, float]) -> bool:
        """See `EarlyStop`; the decision is recorded in the trial's run."""
        from mlflow import MlflowClient  # these imports: in a worker process only

        from src.experiments import sampling, trials
        from src.experiments.parent import Parent
        from src.tracking import store

        done = max(accuracies)
        if run_id is None or done >= self.epochs:
            return False
        with suppress(*store.AWAY):
            client = MlflowClient()
            run = client.get_run(run_id)
            if run_tags.PRUNED in run.data.tags:  # before it was interrupted
                return True
            parent = Parent(client, run.info.experiment_id, self.parent_id)
            known = {one.number: one for one in trials.Record(parent).trials()}
            this = replace(known[self.number], state=trials.State.OPEN, accuracies=accuracies)
            others = list((known | {self.number: this}).values())
            asked = (self.name, self.search, self.epochs, others, self.number)
            pruned, kept = sampling.is_pruned(*asked)
            if kept:
                client.set_tag(run_id, run_tags.PRUNER_STATE, json.dumps(kept))
            if pruned:
                client.set_tag(run_id, run_tags.PRUNED, str(done))
            return pruned
        return False
