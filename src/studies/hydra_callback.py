"""What surrounds Hydra's jobs: checks before the first of them, and, for a --multirun, a parent
run in MLflow with a child for each job.
"""

import multiprocessing
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from statistics import mean, stdev
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict
from rich import box
from rich.console import Console
from rich.table import Table

from src.config import compose as configuration
from src.config import messages
from src.data import dataset
from src.runtime import errors, metric_names
from src.tracking import run_tags

PARENT = "mlflow.parent_run_id"

JOB = "job"  # the tag for a job's overrides without its seed
COLUMNS = (  # title, metric, format
    ("held-out\naccuracy", metric_names.TEST_ACCURACY, ".4f"),
    ("validation\naccuracy", metric_names.BEST_VAL_ACCURACY, ".4f"),
    ("s per\nepoch", metric_names.MEDIAN_EPOCH_SECONDS, ".1f"),
    ("s of\ntraining", metric_names.TRAIN_SECONDS, ".0f"),
)

_parents: list[tuple[Any, str]] = []  # client and id of the parent run that is open, if one is


class MlflowSweep(Callback):
    """Refuses mistakes before Hydra makes a folder; creates the parent run, and gives its id to
    the jobs as an override, so that it reaches the workers of any launcher; reports a job that
    failed at once.

    Hydra makes mere warnings of a callback's exceptions; only SystemExit passes (errors.run).
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the job."""
        errors.run(lambda: _check([config]))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check every job, and create the parent run."""
        _hush_joblib()
        errors.run(lambda: _check(_jobs(config)))
        errors.run(lambda: _open(config))

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Tie a launcher's worker process to the sweep's."""
        if multiprocessing.parent_process() is not None:
            _end_with_the_sweep()

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Report a failed job the moment it fails; the others go on."""
        if config.hydra.mode == RunMode.MULTIRUN and job_return.status == JobStatus.FAILED:
            error = job_return._return_value
            text = errors.sentence(error)
            if text is None:
                traceback.print_exception(error)
                text = f"{type(error).__name__}: {error}"
            given = [word for word in config.hydra.overrides.task if not word.startswith(PARENT)]
            print(
                f"Error in job {config.hydra.job.num} ({' '.join(given)}): {text}", file=sys.stderr
            )

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Close the parent run. Hydra skips this when a job failed."""
        close("FINISHED")


def _hush_joblib() -> None:
    """Let joblib keep to itself that it replaces a worker whose memory has grown, and, in a process
    of its own, that it tidies up after a sweep that was killed.
    """
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")


@cache
def _end_with_the_sweep() -> None:
    """Let this worker process end as soon as the process that started it has, be it by `kill -9`:
    it would train on, and lock the checkpoint from which the next start shall go on.
    """
    sweep = os.getppid()

    def watch() -> None:
        while os.getppid() == sweep:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def describe(job: Any) -> dict[str, str]:
    """Return the tag that groups a job with those that differ by the seed alone.

    Args:
        job: `HydraConfig.get()`.
    """
    words = (word for word in job.overrides.task if not word.startswith(("seed=", "mlflow.")))
    return {JOB: " ".join(words)}


def close(status: str) -> bool:
    """Close the parent run; return whether one was open."""
    was_open = bool(_parents)
    while _parents:
        client, run_id = _parents.pop()
        client.set_terminated(run_id, status)
        show(client, run_id)
    return was_open


def children(client: Any, parent_id: str, status: str) -> list[Any]:
    """Return the runs of a sweep that are of a status, the oldest first.

    Args:
        client: of the MLflow store.
        parent_id: the id of the parent run.
        status: FINISHED, FAILED, KILLED or RUNNING.
    """
    return client.search_runs(
        [client.get_run(parent_id).info.experiment_id],
        f"tags.{run_tags.PARENT} = '{parent_id}' and attributes.status = '{status}'",
        order_by=["attributes.start_time ASC"],
    )


def show(client: Any, parent_id: str) -> None:
    """Print what the jobs of a sweep attained: a row for each configuration, over its seeds."""
    jobs: dict[str, list[Any]] = {}
    for child in children(client, parent_id, "FINISHED"):
        jobs.setdefault(child.data.tags[JOB], []).append(child)
    words = {job: dict(word.partition("=")[::2] for word in job.split()) for job in jobs}
    keys = dict.fromkeys(key for given in words.values() for key in given)
    differing = [key for key in keys if len({given.get(key) for given in words.values()}) > 1]
    table = Table(
        title="Mean ± standard deviation over the seeds",
        title_justify="left",
        box=box.HORIZONTALS,
        pad_edge=False,
    )
    for key in (*differing, "seeds"):
        table.add_column(key, overflow="fold", min_width=len(key))
    for title, _, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for job, runs in jobs.items():
        seeds = ",".join(sorted((run.data.params["seed"] for run in runs), key=int))
        spreads = (
            spread([run.data.metrics[name] for run in runs if name in run.data.metrics], form)
            for _, name, form in COLUMNS
        )
        given = (words[job].get(key, "as in params.yaml") for key in differing)
        table.add_row(*given, seeds, *spreads)
    if jobs:
        Console(highlight=False).print(table)


def spread(values: Sequence[float], form: str) -> str:
    """Return the mean of `values` in a format, and from two values on their standard deviation."""
    if not values:
        return "–"
    text = format(mean(values), form)
    return f"{text} ± {stdev(values):{form}}" if len(values) > 1 else text


def _open(config: DictConfig) -> None:
    """Create the parent run, named after the sweep; or open the one that is given."""
    from src.tracking import run_logger, views

    name = " ".join(config.hydra.overrides.task)
    client, experiment_id = run_logger.connect(config.mlflow.experiment)
    if config.mlflow.parent_run_id is not None:
        client.update_run(config.mlflow.parent_run_id, status="RUNNING")
        _parents.append((client, config.mlflow.parent_run_id))
        return
    views.offer_runs(client, experiment_id)
    run = client.create_run(
        experiment_id,
        run_name=name or "multirun",
        tags={run_tags.SWEEP: name, **run_logger.environment_tags()},
    )
    with open_dict(config):
        config.hydra.overrides.hydra.append(f"{PARENT}={run.info.run_id}")
    _parents.append((client, run.info.run_id))


def _jobs(config: DictConfig) -> Iterator[DictConfig]:
    """Yield the configuration of each job of a sweep, if its sweeper is the basic one or ours:
    others choose a job by the results of those before it.
    """
    sweeper = config.hydra.runtime.choices["hydra/sweeper"]
    if sweeper in ("basic", "listed"):
        loader = GlobalHydra.instance().config_loader()
        overrides = OverridesParser.create(loader).parse_overrides(config.hydra.overrides.task)
        listed = config.hydra.sweeper.jobs if sweeper == "listed" else [[]]
        for common in BasicSweeper.split_arguments(overrides, None)[0]:
            for own in listed:
                yield loader.load_sweep_config(config, [*common, *own])


def _check(jobs: Iterable[DictConfig]) -> None:
    """Raise InputError for a configuration that cannot be used, or for missing data."""
    try:
        for job in jobs:
            composed = deepcopy(job)
            with open_dict(composed):
                del composed["hydra"]
            configuration.resolve(composed, job.hydra.runtime.choices)
    except Exception as error:
        if not messages.is_refusal(error):
            raise
        raise messages.explain(error) from error
    dataset.describe()
