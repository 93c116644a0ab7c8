"""What surrounds Hydra's jobs: checks before the first of them, and, for a --multirun, a parent
run in MLflow with a child for each job.
"""

import hashlib
import multiprocessing
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict, read_write

from src.config import compose, messages, override
from src.config.schema import Config
from src.data import dataset
from src.runtime import errors, heavy_imports, paths
from src.studies import planned_run, sweep_table
from src.studies.planned_run import PlannedRun
from src.studies.run_name import run_name
from src.tracking import fingerprint, run_tags

PARENT = "mlflow.parent_run_id"
NAMED_BY = "mlflow.named_by"
TOLD = "told"  # an attribute of a job's error: what was said of it; pickled with it
HERE = ("basic", "joblib")  # launchers whose jobs print where the sweep does


class Job(NamedTuple):
    """A job of Hydra's: its configuration without Hydra's own part, the chosen file of each group,
    the configuration as it was checked, and its overrides.
    """

    composed: DictConfig
    choices: Mapping[str, str]
    cfg: Config
    words: Sequence[str]


@dataclass(frozen=True)
class ParentRun:
    """The run in MLflow that a multirun's are children of."""

    client: Any
    run_id: str
    lease: Any


class MlflowSweep(Callback):
    """Refuses mistakes before Hydra makes a folder; creates the parent run, and gives its id to
    the jobs as an override, so that it reaches the workers of any launcher; reports a job that
    failed at once.

    Hydra makes mere warnings of a callback's exceptions; only SystemExit passes (errors.run).

    Attributes:
        parent: the run of the multirun that is going on in this process, if it is tracked.
        launcher: of the multirun that is going on in this process; empty without one.
    """

    parent: ClassVar[ParentRun | None] = None
    launcher: ClassVar[str] = ""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the run, and give it a folder of its own."""
        errors.run(lambda: _begin_run(config))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check every job, and create the parent run."""
        _hush_joblib()
        errors.run(lambda: _begin(config))
        MlflowSweep.launcher = config.hydra.runtime.choices["hydra/launcher"]

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Tie a launcher's worker process to the sweep's."""
        parent = multiprocessing.parent_process()
        if parent is not None and parent.pid is not None:
            _end_with_the_sweep(parent.pid)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Report a failed job the moment it fails; the others go on."""
        if config.hydra.mode == RunMode.MULTIRUN and job_return.status == JobStatus.FAILED:
            error = job_return._return_value
            text = errors.told(error)
            given = [
                word
                for word in config.hydra.overrides.task
                if not word.startswith((PARENT, NAMED_BY))
            ]
            line = f"Error in job {config.hydra.job.num} ({' '.join(given)}): {text}"
            error.__dict__[TOLD] = line
            print(line, file=sys.stderr)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Close the parent run. Hydra skips this when a job failed."""
        close("FINISHED")


def close(status: str) -> None:
    """Close the parent run, if one is open, and show what its runs attained."""
    parent, MlflowSweep.parent = MlflowSweep.parent, None
    if parent is not None:
        parent.client.set_terminated(parent.run_id, status)
        parent.lease.release()
        sweep_table.show(parent.client, parent.run_id)
        if status == "FINISHED":
            print("Next")
            print(f"  python -m src.report {parent.run_id}  what the runs show")
            print(f"  {'make ui':<{len(parent.run_id) + 21}}  the runs in MLflow")


def fail(error: Exception) -> None:
    """End a multirun, if one is going on, with what its user has not read yet of an error: in one
    sentence if a launcher's own, such as a cluster that is not there.

    Raises:
        SystemExit: a job failed, which is told.
        InputError: the launcher failed.
    """
    launcher, told = MlflowSweep.launcher, vars(error).get(TOLD)
    if told is not None:
        if launcher not in HERE:  # the job told it where it ran
            print(told, file=sys.stderr)
        sys.exit(1)
    if launcher not in ("", *HERE) and not messages.is_refusal(error):
        reason = " ".join(str(error).split())[:300]
        raise errors.InputError(
            f"hydra/launcher={launcher} failed ({type(error).__name__}: {reason}): see its logs in "
            "the folder .submitit of the sweep, if there are any, fix that or the values of "
            "hydra.launcher, and run the same command again; without hydra/launcher the runs are "
            "made here, one after another."
        ) from error


def _hush_joblib() -> None:
    """Let joblib keep to itself that it replaces a worker whose memory has grown, and, in a process
    of its own, that it tidies up after a sweep that was killed.
    """
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")


@cache
def _end_with_the_sweep(sweep: int) -> None:
    """Let this worker process end as soon as the process that started it has, be it by `kill -9`:
    it would train on, and lock the checkpoint from which the next start shall go on.

    Args:
        sweep: the number of the process that started this one, which may be gone already.
    """

    def watch() -> None:
        while os.getppid() == sweep:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _begin_run(config: DictConfig) -> None:
    """Check a single run, and give it a folder of its own."""
    [job] = jobs = _check([config])
    name = run_name(job.composed, job.choices)
    planned_run.announce(job.composed, job.choices, name)
    print("Loading TensorFlow; the first epoch also compiles: up to 15 s ...", flush=True)
    _prepare(jobs)
    _own_folder(config, "run")


def _begin(config: DictConfig) -> None:
    """Check every job of a multirun, give it a folder of its own, and open its parent run if it is
    tracked.
    """
    jobs = _check(_jobs(config))
    if not jobs and config.hydra.runtime.choices["hydra/sweeper"] == "basic":
        words = " ".join(config.hydra.overrides.task)
        raise errors.InputError(f"{words} lists no value: there is nothing to run.")
    if jobs:
        print(f"{len(jobs)} runs; checking first that each can be made ...", flush=True)
    _prepare(jobs)
    _own_folder(config, "sweep")
    differing = _differing([job.words for job in jobs])
    if differing not in ([], config.mlflow.named_by):
        with open_dict(config):
            config.hydra.overrides.hydra.append(f"{NAMED_BY}=[{','.join(differing)}]")
    if config.mlflow.enabled:
        _open(config, [job.composed for job in jobs])


def _differing(jobs: Sequence[Sequence[str]]) -> list[str]:
    """Return the keys that the overrides of a multirun's jobs give several values, but the seeds:
    their values name its runs.
    """
    values: dict[str, set[str]] = {}
    for words in jobs:
        for word in words:
            values.setdefault(override.key(word), set()).add(word)
    return [
        key for key, found in values.items() if len(found) > 1 and key not in ("seed", "split_seed")
    ]


def _prepare(jobs: Sequence[Job]) -> None:
    """Load the frameworks, now that all else is checked, and see that each job can be made.

    Raises:
        InputError: what one of them would train cannot be built, or the store cannot be used.
    """
    experiments = {job.cfg.mlflow.experiment for job in jobs if job.cfg.mlflow.enabled}
    if jobs:
        heavy_imports.load(mlflow=bool(experiments))
        from src.studies import buildable

        buildable.refuse_unbuildable((job.cfg, job.choices) for job in jobs)
    for experiment in experiments:
        from src.tracking import store

        store.connect(experiment)


def _own_folder(config: DictConfig, kind: str) -> None:
    """Make the folder of a run or a sweep: the one that the user names, else one that no other
    has, even if it was started in the same second.
    """
    key = f"hydra.{kind}.dir"
    folder = Path(config.hydra[kind].dir)
    named = any(word.startswith(f"{key}=") for word in config.hydra.overrides.hydra)
    try:
        if named:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = paths.fresh_folder(folder)
    except OSError as error:
        raise errors.InputError(
            f"{key}={folder} cannot be made ({error.strerror}): name another folder."
        ) from error
    with read_write(config), open_dict(config):
        config.hydra[kind].dir = str(folder)
        if not named:  # so that every job's process knows it
            config.hydra.overrides.hydra.append(f"{key}={folder}")


def _open(config: DictConfig, jobs: Sequence[DictConfig]) -> None:
    """Open the parent run: the one that is given, that of the same multirun, which goes on, or a
    new one, named after the multirun.

    Args:
        config: the multirun's, to which the parent run is added.
        jobs: the configuration of each job, as far as they are known beforehand.
    """
    from src.tracking import environment, lease, store, views  # MLflow: for a multirun alone

    name = " ".join(config.hydra.overrides.task)
    client, experiment_id = store.connect(config.mlflow.experiment)
    lease.close_orphans(client, experiment_id)
    run_id = config.mlflow.parent_run_id
    if run_id is None:
        views.offer_runs(client, experiment_id)
        digest = _digest(name, jobs)
        run_id = _same(client, experiment_id, digest) if digest and config.mlflow.resume else None
        if run_id is None:
            tags = {run_tags.SWEEP: name, run_tags.SWEEP_DIGEST: digest}
            with store.usable():  # one may read there and not write
                run_id = client.create_run(
                    experiment_id,
                    run_name=name or "multirun",
                    tags={**tags, **environment.tags(), **lease.tags()},
                ).info.run_id
        with open_dict(config):
            config.hydra.overrides.hydra.append(f"{PARENT}={run_id}")
    client.update_run(run_id, status="RUNNING")
    MlflowSweep.parent = ParentRun(client, run_id, lease.Lease(client, run_id))


def _same(client: Any, experiment_id: str, digest: str) -> str | None:
    """Return the id of the latest parent run of these very trainings, if nobody is at it."""
    from src.tracking import lease

    found = client.search_runs(
        [experiment_id],
        f"tags.{run_tags.SWEEP_DIGEST} = '{digest}'",
        order_by=["attributes.start_time DESC"],
    )
    ended = [run for run in found if run.info.status != "RUNNING" or lease.is_orphan(run)]
    return ended[0].info.run_id if ended else None


def _digest(words: str, jobs: Sequence[DictConfig]) -> str:
    """Return the digest of a multirun: of its words and of every training; empty where those are
    not known beforehand.
    """
    data = dataset.describe()
    trainings = [fingerprint.of(job, data) for job in jobs]
    text = "\n".join([words, *trainings])
    return hashlib.sha256(text.encode()).hexdigest() if trainings else ""


def finished(run: PlannedRun) -> Any | None:
    """Return the run in MLflow that is this one, made already in the multirun that goes on."""
    mlflow = run.composed.mlflow
    if not (mlflow.enabled and mlflow.resume and mlflow.parent_run_id):
        return None
    from src.tracking import store  # MLflow, which the training would import anyway

    client, experiment_id = store.connect(mlflow.experiment)
    digest = fingerprint.of(run.composed, dataset.describe())
    same = client.search_runs(
        [experiment_id],
        f"tags.{run_tags.PARENT} = '{mlflow.parent_run_id}' and "
        f"tags.{run_tags.TRAINING_DIGEST} = '{digest}' and attributes.status = 'FINISHED'",
    )
    if not same:
        return None
    planned_run.forget_checkpoint(run.composed, digest, same[0].info.run_id)
    return same[0]


def _jobs(config: DictConfig) -> Iterator[DictConfig]:
    """Yield the configuration of each job of a sweep, if its sweeper is the basic one: others
    choose a job by the results of those before it.
    """
    if config.hydra.runtime.choices["hydra/sweeper"] == "basic":
        loader = GlobalHydra.instance().config_loader()
        overrides = OverridesParser.create(loader).parse_overrides(config.hydra.overrides.task)
        for words in BasicSweeper.split_arguments(overrides, None)[0]:
            yield loader.load_sweep_config(config, words)


def _check(jobs: Iterable[DictConfig]) -> list[Job]:
    """Return the jobs, checked.

    Raises:
        InputError: one cannot be used, or there is no data.
    """
    checked = []
    try:
        for job in jobs:
            composed = deepcopy(job)
            with open_dict(composed):
                del composed["hydra"]
            choices = job.hydra.runtime.choices
            cfg = compose.resolve(composed, choices)
            checked.append(Job(composed, choices, cfg, list(job.hydra.overrides.task)))
    except Exception as error:
        if not messages.is_refusal(error):
            raise
        raise messages.explain(error) from error
    dataset.describe()
    return checked
