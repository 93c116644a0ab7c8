"""Finds the runs of a study in MLflow, checks that they are comparable, and reads them."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException

from src.data.digits import CLASSES
from src.evidence.run_set import ACTIVATION, NAMES, RunSet, Training, may_differ
from src.runtime import metric_names, paths
from src.runtime.errors import InputError, did_you_mean
from src.runtime.formatting import count, listed
from src.tracking import environment, run_tags
from src.tracking.fingerprint import CODE_PATHS

FRAMEWORK = ("tensorflow", "keras")  # tags with versions, which must not differ
FILES = (paths.HISTORY, paths.PROBABILITIES, paths.PREDICTED)
MOST = 6  # names or seeds in one sentence
EPOCH_METRICS = [metric_names.EPOCH, metric_names.VAL_ACCURACY, metric_names.EPOCH_SECONDS]


def load(client: MlflowClient, wanted: str | None) -> RunSet:
    """Return the finished runs of a study or a multirun, ready to be compared.

    Args:
        client: of the store.
        wanted: a study's name, or the id of a parent run; None for the newest of either.

    Raises:
        InputError: it does not exist, or its runs cannot be compared.
    """
    parent = find(client, wanted)
    children = client.search_runs(
        [parent.info.experiment_id],
        f"tags.`{run_tags.PARENT}` = '{parent.info.run_id}'",
        ViewType.ALL,
        max_results=50_000,
        order_by=["attributes.start_time ASC"],
    )
    complete, left_out = _complete(client, parent, children)
    _check_alike(complete)
    remarks = [*left_out, *_check_code(complete)]
    grouped, more = _paired(_by_activation(complete))
    with tempfile.TemporaryDirectory() as folder:
        trainings = {
            name: tuple(_read(client, run, Path(folder)) for run in runs)
            for name, runs in grouped.items()
        }
    study = parent.data.tags.get(run_tags.STUDY)
    found = RunSet(
        parent_id=parent.info.run_id,
        title=study or parent.data.tags.get(run_tags.SWEEP) or parent.info.run_name,
        folder=_folder(study or "") or f"multirun-{parent.info.run_id[:8]}",
        tags=parent.data.tags,
        trainings=trainings,
        remarks=(*remarks, *more),
    )
    _check_labels(found)
    return found


def find(client: MlflowClient, wanted: str | None) -> Run:
    """Return the parent run of a study or a multirun.

    Args:
        client: of the store.
        wanted: a study's name, or a run's id; None for the newest parent.

    Raises:
        InputError: it does not exist, was deleted, or is not a parent.
    """
    parents = _parents(client)
    active = [run for run in parents if run.info.lifecycle_stage == "active"]
    if wanted is None:
        if not active:
            raise InputError(
                "MLflow has no study or multirun yet: start one, for example with "
                "`python -m src.train activation=swish,relu seed=1,2,3 -m`."
            )
        return active[0]
    studies = [run for run in (*active, *parents) if run.data.tags.get(run_tags.STUDY) == wanted]
    run = studies[0] if studies else _by_id(client, wanted)
    if run is None:
        names = list(
            dict.fromkeys(
                one.data.tags[run_tags.STUDY] for one in active if run_tags.STUDY in one.data.tags
            )
        )
        known = f"Studies: {', '.join(names)}. " if names else ""
        raise InputError(
            f"{wanted!r} is neither a study nor the id of a run in MLflow. "
            f"{did_you_mean(wanted, names)}{known}Without a name, the newest is used."
        )
    if run.info.lifecycle_stage != "active":
        raise InputError(
            f"The run of {wanted} was deleted: restore it in MLflow, or name another study or run."
        )
    above = run.data.tags.get(run_tags.PARENT)
    if above:
        raise InputError(
            f"Run {wanted} is a single run ({run.info.run_name}): name its parent run, {above}."
        )
    return run


def _parents(client: MlflowClient) -> list[Run]:
    """Return every study and multirun, including deleted ones, the newest first."""
    experiments = [one.experiment_id for one in client.search_experiments()]
    tagged = (
        client.search_runs(experiments, f"tags.{tag} LIKE '%'", ViewType.ALL)
        for tag in (run_tags.STUDY, run_tags.SWEEP)
    )
    found = {
        run.info.run_id: run
        for runs in tagged
        for run in runs
        if run_tags.PARENT not in run.data.tags
    }
    return sorted(found.values(), key=lambda run: run.info.start_time, reverse=True)


def _by_id(client: MlflowClient, run_id: str) -> Run | None:
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return None


def _complete(
    client: MlflowClient, parent: Run, children: Sequence[Run]
) -> tuple[list[Run], list[str]]:
    """Return the finished runs that have all their files, and a remark on the others.

    A failed run that succeeded when it was repeated needs no remark.
    """
    complete, wanting = [], {}
    for run in children:
        if run.info.lifecycle_stage != "active":
            wanting[run.info.run_id] = f"{run.info.run_name} (deleted)"
        elif run.info.status != "FINISHED":
            wanting[run.info.run_id] = f"{run.info.run_name} ({run.info.status.lower()})"
        else:
            kept = {file.path for file in client.list_artifacts(run.info.run_id)}
            missing = [name for name in FILES if name not in kept]
            if missing:
                wanting[run.info.run_id] = f"{run.info.run_name} (without {missing[0]})"
            else:
                complete.append(run)
    done = {run.info.run_name for run in complete}
    names = [wanting[run.info.run_id] for run in children if run.info.run_name not in done]
    if not complete:
        found = f" but {listed(names, MOST)}" if names else ""
        raise InputError(
            f"{parent.info.run_name} ({parent.info.run_id}) has no finished runs{found}: a "
            "report needs at least 2 activations with 2 finished seeds each."
        )
    return complete, [f"Left out: {listed(names, MOST)}."] if names else []


def _check_alike(runs: Sequence[Run]) -> None:
    """Refuse runs of different recipes, data or frameworks."""
    facts = [
        {key: value for key, value in run.data.params.items() if not may_differ(key)}
        | {"data_digest": run.data.tags.get("data_digest", "")[:12]}
        | {name: run.data.tags.get(name, "") for name in FRAMEWORK}
        for run in runs
    ]
    differences = []
    for key in dict.fromkeys(key for fact in facts for key in fact):
        holders: dict[str, list[str]] = {}
        for fact, run in zip(facts, runs, strict=True):
            holders.setdefault(fact.get(key) or "missing", []).append(run.info.run_name)
        if len(holders) > 1:
            found = [f"{value} in {listed(names, most=2)}" for value, names in holders.items()]
            more = ", ..." if len(found) > 4 else ""
            differences.append(f"{key} is {', '.join(found[:4])}{more}")
    if differences:
        raise InputError(
            "These runs cannot be compared because they differ in more than activation and seed: "
            f"{'; '.join(differences[:4])}. Start a multirun with one value of each."
        )


def _check_code(runs: Sequence[Run]) -> list[str]:
    """Refuse runs of different training code if git can tell; return remarks on doubtful ones."""
    remarks = []
    commits: dict[str, str] = {}  # with the name of a run
    for run in runs:
        commits.setdefault(run.data.tags.get("git_commit", ""), run.info.run_name)
    if len(commits) > 1:
        (first, one), *others = commits.items()
        for commit, other in others:
            changed = environment.changed_files(first, commit, CODE_PATHS)
            if changed is None:
                remarks.append(
                    f"{one} and {other} come from different commits ({_short(first)}, "
                    f"{_short(commit)}), and this repository does not have both: their training "
                    "code may differ."
                )
            elif changed:
                raise InputError(
                    "These runs cannot be compared because their training code differs: "
                    f"{listed(changed, MOST)} changed between {_short(first)} ({one}) and "
                    f"{_short(commit)} ({other}). Train all of them with one version."
                )
    dirty = [run for run in runs if run.data.tags.get("git_dirty") == "true"]
    if dirty:
        remarks.append(
            f"{len(dirty)} of {count(len(runs), 'run')} had uncommitted changes in src/ or conf/: "
            "their commit does not tell exactly what ran."
        )
    if len({run.data.tags.get("cpus") for run in runs}) > 1:
        remarks.append(
            "The runs come from machines with different numbers of cores: compare times with care."
        )
    return remarks


def _short(commit: str) -> str:
    return commit[:7] or "no commit"


def _by_activation(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs by their activation's name, including the settings in which runs of the
    same activation differ.
    """
    alike: dict[str, list[Run]] = {}
    for run in runs:
        alike.setdefault(run.data.tags["activation"], []).append(run)
    named: dict[str, list[Run]] = {}
    for word, members in alike.items():
        differing = _differing_settings(members)
        for run in members:
            own = [
                f"{key.removeprefix(ACTIVATION)}={run.data.params[key]}"
                for key in differing
                if key in run.data.params
            ]
            name = NAMES.get(word, word) + (f" ({', '.join(own)})" if own else "")
            named.setdefault(name, []).append(run)
    return named


def _differing_settings(runs: Sequence[Run]) -> list[str]:
    """Return the params of the activation in which the runs differ."""
    keys = {key for run in runs for key in run.data.params if key.startswith(ACTIVATION)}
    return [key for key in sorted(keys) if len({run.data.params.get(key) for run in runs}) > 1]


def _paired(named: Mapping[str, Sequence[Run]]) -> tuple[dict[str, list[Run]], list[str]]:
    """Return the runs with seeds that every activation has, and remarks on the others."""
    remarks = []
    newest = {name: _newest(runs) for name, runs in named.items()}
    for name, runs in named.items():
        twice = len(runs) - len(newest[name])
        if twice:
            remarks.append(
                f"{name} has {count(twice, 'repeated run')}: the newest of each seed counts."
            )
    common = set.intersection(*(set(map(_seed, runs)) for runs in newest.values()))
    if len(common) < 2:
        found = "; ".join(
            f"{name}: {listed([str(_seed(run)) for run in runs], MOST)}"
            for name, runs in newest.items()
        )
        raise InputError(
            f"The activations share {count(len(common), 'seed')} ({found}), but a comparison needs "
            "at least 2: train every activation with the same seeds, ideally 10 (seed=1,2,3 -m)."
        )
    if len(newest) < 2:
        [name] = newest
        raise InputError(
            f"All finished runs are of {name}, but a comparison needs at least 2 activations: "
            "train another with the same seeds, in one multirun (activation=swish,relu -m)."
        )
    for name, runs in newest.items():
        lone = [str(_seed(run)) for run in runs if _seed(run) not in common]
        if lone:
            remarks.append(
                f"Left out: seed{'s' * (len(lone) > 1)} {listed(lone)} of {name}, which not every "
                "activation has."
            )
    paired = {name: [run for run in runs if _seed(run) in common] for name, runs in newest.items()}
    return paired, remarks


def _newest(runs: Sequence[Run]) -> list[Run]:
    """Return the newest run of each seed, by seed; `runs` begin with the oldest."""
    by_seed = {_seed(run): run for run in runs}
    return [by_seed[seed] for seed in sorted(by_seed)]


def _seed(run: Run) -> int:
    return int(run.data.params["seed"])


def _read(client: MlflowClient, run: Run, folder: Path) -> Training:
    run_id, name = run.info.run_id, run.info.run_name
    own = folder / run_id
    own.mkdir()
    try:
        history, probabilities, predictions = (
            Path(client.download_artifacts(run_id, file, str(own))) for file in FILES
        )
        epochs, table = pd.read_csv(history), pd.read_csv(predictions)
        training = Training(
            run_id=run_id,
            name=name,
            seed=_seed(run),
            started=_utc(run.info.start_time),
            ended=_utc(run.info.end_time),
            params=run.data.params,
            tags=run.data.tags,
            history=epochs,
            labels=table["actual"].astype(np.uint8).to_numpy(),
            predicted=table["predicted"].astype(np.uint8).to_numpy(),
            probabilities=np.load(probabilities),
        )
        if epochs.empty or epochs[EPOCH_METRICS].astype(float).isna().any(axis=None):
            raise ValueError(f"{paths.HISTORY} is incomplete")
        if len(table) and training.probabilities.shape != (len(table), CLASSES):
            raise ValueError(f"{paths.PROBABILITIES} and {paths.PREDICTED} do not match")
    except (MlflowException, OSError, EOFError, ValueError, KeyError) as error:
        raise InputError(
            f"The files of run {name} ({run_id}) cannot be read "
            f"({' '.join(str(error).split())[:200]}): delete the run in MLflow and train it again."
        ) from error
    if not len(table):
        raise InputError(
            f"Run {name} has no held-out labels, as its data came without them: compare "
            "activations on data with public labels (fetch.source=mnist)."
        )
    return training


def _utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _check_labels(runs: RunSet) -> None:
    """Refuse runs that were scored on different images, even if their tags agree."""
    for one in runs:
        if not np.array_equal(one.labels, runs.labels):
            raise InputError(
                f"Run {one.name} was scored on different held-out images than {runs.first.name}: "
                "only runs on the same images can be compared."
            )


def _folder(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")
