"""A --multirun in MLflow: one parent run, with a child for each job."""

import atexit
import sys
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict

from src.errors import sentence


class MlflowSweep(Callback):
    """Creates the parent run, and gives its id to the jobs as an override, so that it reaches
    the workers of any launcher; reports a job that failed at once."""

    run_id = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Create the parent run, named after the sweep."""
        from src import tracking

        overrides = list(config.hydra.overrides.task)
        self.client, experiment_id = tracking.connect(config.mlflow.experiment)
        self.run_id = self.client.create_run(
            experiment_id,
            run_name=" ".join(overrides) or "multirun",
            tags={"sweep": " ".join(overrides), **tracking.environment_tags()},
        ).info.run_id
        with open_dict(config):
            config.hydra.overrides.hydra.append(f"mlflow.parent_run_id={self.run_id}")
        # Hydra skips on_multirun_end when a job failed.
        atexit.register(self._close, "FAILED")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Report a failed job the moment it fails; the others go on."""
        if self._in_sweep(config) and job_return.status == JobStatus.FAILED:
            error = job_return._return_value
            text = sentence(error) or f"{type(error).__name__}: {error}"
            job = " ".join(config.hydra.overrides.task)
            print(f"Error in job {config.hydra.job.num} ({job}): {text}", file=sys.stderr)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Close the parent run."""
        self._close("FINISHED")

    @staticmethod
    def _in_sweep(config: DictConfig) -> bool:
        return config.hydra.mode is not None and config.hydra.mode.name == "MULTIRUN"

    def _close(self, status: str) -> None:
        if self.run_id:
            self.client.set_terminated(self.run_id, status)
            self.run_id = None

    def __getstate__(self) -> dict:  # launchers pickle callbacks into their workers
        return {}
