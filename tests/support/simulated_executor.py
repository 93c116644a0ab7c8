"""An executor that trains nothing: it logs runs to MLflow as a training would."""

from collections.abc import Callable, Iterable
from typing import Any

from mlflow import MlflowClient

from src.core import metric_names
from src.experiments.executors import Outcome
from src.experiments.run_spec import RunSpec
from src.tracking import run_tags


class Simulated:
    """Logs runs to MLflow.

    Args:
        most: runs, after which it is interrupted as by Ctrl-C.
        errors: by the names of the runs that end with them.
        accuracy: on the validation images, of a run.
    """

    logs = "{root}/RUN/train.log"

    def __init__(
        self,
        most: int | None = None,
        errors: dict[str, BaseException] | None = None,
        accuracy: Callable[[RunSpec], float] = lambda spec: 0.5,
    ):
        self.most, self.errors, self.accuracy = most, errors or {}, accuracy
        self.trained: list[str] = []
        self.checked: list[str] = []

    def call(self, function: Callable[..., Any], specs: list[RunSpec]) -> None:
        """Note the runs that are checked, and build nothing."""
        self.checked = [spec.name for spec in specs]

    def prepare(self) -> None:
        """Nothing to prepare."""

    def at_a_time(self) -> int:
        """Return one."""
        return 1

    def execute(self, specs: Iterable[RunSpec]):
        """Log one run after another."""
        for spec in specs:
            if len(self.trained) == self.most:
                raise KeyboardInterrupt
            self.trained.append(spec.name)
            error = self.errors.get(spec.name)
            log(spec, "FINISHED" if error is None else "FAILED", self.accuracy(spec))
            yield Outcome(spec, error)


def log(spec: RunSpec, status: str, accuracy: float = 0.5) -> None:
    """Log a run to MLflow; one that failed may have a run already."""
    client = MlflowClient()
    parent = client.get_run(spec.cfg.mlflow.parent_run_id)
    tags = {
        **spec.tags,
        run_tags.PARENT: parent.info.run_id,
        run_tags.TRAINING_DIGEST: spec.digest,
        run_tags.JOB: spec.job,
    }
    experiment = parent.info.experiment_id
    wanted = f"tags.{run_tags.TRAINING_DIGEST} = '{spec.digest}' and attributes.status = 'KILLED'"
    known = client.search_runs([experiment], wanted)
    if known:
        run_id = known[0].info.run_id
        client.update_run(run_id, status="RUNNING")
    else:
        run_id = client.create_run(experiment, run_name=spec.name, tags=tags).info.run_id
        client.log_param(run_id, "seed", spec.cfg.seed)
    if status == "FINISHED":
        for name in (metric_names.TRAIN_SECONDS, metric_names.MEDIAN_EPOCH_SECONDS):
            client.log_metric(run_id, name, 60.0)
        client.log_metric(run_id, metric_names.BEST_VAL_ACCURACY, accuracy)
        client.log_metric(run_id, metric_names.VAL_ACCURACY, accuracy, step=1)
        if spec.cfg.submission:
            client.log_metric(run_id, metric_names.TEST_ACCURACY, 0.99)
    client.set_terminated(run_id, status)
