"""Stage 3: train a model, or with -m one for every combination of listed values.

Reads:   params.yaml, conf/, data/processed
Writes:  model, figures and submission to outputs/ (with -m to multirun/), and a
         run to MLflow

Examples:
  python -m src.train activation=relu                      one run
  python -m src.train activation=swish,relu seed=1,2,3 -m  a sweep of six runs
  python -m src.train experiment=notebook epochs=1         a shortened recipe
"""

import os
import signal
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from src.config import compose, messages
from src.runtime import errors, metric_names
from src.studies import hydra_callback
from src.studies.planned_run import INTERRUPTED, PlannedRun, job_words
from src.tracking import environment


def task(composed: DictConfig) -> float:
    """Make one run; return its best validation accuracy, which is what a sweeper optimizes.

    In a sweep an error is the sweep's to report; alone, one that the user can fix ends the process
    here, because Hydra would print more than its sentence.
    """
    job = HydraConfig.get()
    run = PlannedRun(
        composed=composed,
        choices=dict(job.runtime.choices),
        folder=Path(os.path.relpath(job.runtime.output_dir)),
        job=job_words(job.overrides.task),
        command=environment.command_line(),
        alone=job.mode == RunMode.RUN,
    )
    try:
        if job.mode == RunMode.MULTIRUN and (made := hydra_callback.finished(run)):
            found = made.data.metrics
            score = found.get(metric_names.TEST_ACCURACY, float("nan"))
            print(f"{run.name} is made already: held-out accuracy {score:.4f}", flush=True)
            return found[metric_names.BEST_VAL_ACCURACY]
        if job.mode == RunMode.MULTIRUN:  # of a single run it is printed already
            run.announce()
        return run.execute()
    except (errors.InputError, OSError) as error:
        if job.mode == RunMode.MULTIRUN or errors.sentence(error) is None:
            raise
        errors.fail(error)


def main() -> None:
    """Let Hydra compose the configuration and make one run, or a sweep of them."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that the sentence can be ours
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: resumable, KILLED
    compose.register()
    OmegaConf.register_new_resolver("documentation", lambda: str(__doc__).strip(), replace=True)
    try:
        hydra.main(version_base="1.3", config_path="../conf", config_name="config")(task)()
    except KeyboardInterrupt:
        hydra_callback.close("KILLED")
        raise KeyboardInterrupt(INTERRUPTED) from None
    except Exception as error:
        hydra_callback.close("FAILED")
        hydra_callback.fail(error)
        if isinstance(error, BrokenProcessPool):
            raise errors.InputError(
                "A worker process was killed, perhaps because memory ran out: run the same command "
                "again, with fewer workers if need be."
            ) from error
        if messages.is_refusal(error):
            raise messages.explain(error) from error
        raise


if __name__ == "__main__":
    errors.run(main)
