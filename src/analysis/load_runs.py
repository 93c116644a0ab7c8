"""Finds the runs of a study or a sweep in MLflow, checks that they can be compared, reads them."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from src.analysis import diagnostics, ensemble, levels
from src.analysis.levels import Levels
from src.analysis.run_set import ALL, RunSet, Training, is_ignored
from src.analysis.statistics import EFFECT_OF_INTEREST
from src.config import override, study_file
from src.config.factor import Factor
from src.core import metric_names, paths
from src.core.errors import InputError, did_you_mean, parsing
from src.core.formatting import count, listed, seed_list
from src.data.digits import CLASSES
from src.experiments.grid import RunKey
from src.tracking import environment, run_search, run_tags, store
from src.tracking.fingerprint import CODE

FRAMEWORK = ("tensorflow", "keras")  # tags with versions, which must not differ
EXAMPLES = {"activation": "activation=swish,relu", "optimizer": "optimizer=adamw,sgd"}
FILES = (paths.HISTORY, paths.PROBABILITIES, paths.PREDICTED)
DATA = "data_digest"  # a tag, too
MOST = 6  # names or seeds in one sentence
EPOCH_METRICS = [metric_names.EPOCH, metric_names.VAL_ACCURACY, metric_names.EPOCH_SECONDS]


def load(client: MlflowClient, wanted: str | None) -> RunSet:
    """Return the finished runs of a study or a sweep, as `find` finds it, ready to be compared.
    Raise InputError if it does not exist, or if its runs cannot be compared.
    """
    parent = find(client, wanted)
    tags, experiments = parent.data.tags, [parent.info.experiment_id]
    factor = levels.announced(tags)
    below = f"tags.`{run_tags.PARENT}` = '{parent.info.run_id}'"
    children = list(run_search.every_run(client, experiments, below, run_view_type=ViewType.ALL))
    complete, left_out = _complete(client, parent, children, factor)
    found = levels.of(tags, complete)
    vary = json.loads(tags.get(run_tags.VARY, '["seed"]'))
    _check_alike(found, complete, vary)
    code = _check_code(complete)
    grouped, more = _paired(found)
    read = {name: [_read(client, run) for run in some] for name, some in grouped.items()}
    trainings = {name: tuple(one for one, _ in some) for name, some in read.items()}
    study = tags.get(run_tags.STUDY)
    folder = re.sub(r"[^\w.-]+", "-", study or "").strip("-.")
    runs = RunSet(
        parent_id=parent.info.run_id,
        title=study or parent.info.run_name,
        folder=folder or f"multirun-{parent.info.run_id[:8]}",
        tags=tags,
        factor=found.factor,
        trainings=trainings,
        remarks=(*left_out, *code, *more),
        values={name: found.values[name] for name in trainings},
        reference=found.reference,
        compare=tags.get(run_tags.COMPARE, ALL),
        smallest_effect=float(tags.get(run_tags.SMALLEST_EFFECT, EFFECT_OF_INTEREST)),
        looks=tuple(json.loads(tags.get(run_tags.LOOKS, "[]"))),
        question=tags.get(run_tags.QUESTION),
        dataset=dataset_of(complete[0]),
        images_by_seed=study_file.DATA in vary,
    )
    first = next(iter(trainings.values()))
    pairs = [pair for ones in trainings.values() for pair in zip(ones, first, strict=True)]
    for one, with_its_seed in pairs:  # their tags may agree all the same
        other = with_its_seed if runs.images_by_seed else runs.first
        if not np.array_equal(one.labels, other.labels):
            raise InputError(
                f"Run {one.name} was scored on different held-out images than {other.name}: "
                "only runs on the same images can be compared."
            )
    if runs.images_by_seed:
        return runs
    outputs = {name: np.stack([output for _, output in some]) for name, some in read.items()}
    curves = {name: ensemble.curve(output, runs.labels) for name, output in outputs.items()}
    return replace(runs, ensembles=curves)


def find(client: MlflowClient, wanted: str | None) -> Run:
    """Return the parent run with this name (of a study) or this id; None for the newest. Raise
    InputError if it does not exist, was deleted, or is not a parent.
    """
    candidates = parents(client)
    active = [run for run in candidates if run.info.lifecycle_stage == "active"]
    if wanted is None:
        if not active:
            raise InputError(
                "MLflow has no study or sweep yet: start one, for example with "
                "`python -m src.train activation=swish,relu seed=1,2,3 -m`."
            )
        return active[0]
    studies = [run for run in (*active, *candidates) if run.data.tags.get(run_tags.STUDY) == wanted]
    run = studies[0] if studies else store.find_run(client, wanted)
    if run is None:
        refuse_untrained(wanted)
        tagged = (one.data.tags.get(run_tags.STUDY) for one in active)
        names = list(dict.fromkeys(filter(None, tagged)))
        others = f"Studies: {', '.join(names)}. " if names else ""
        raise InputError(
            f"{wanted!r} is neither a study nor the id of a run in MLflow. "
            f"{did_you_mean(wanted, names)}{others}Without a name, the newest is used."
        )
    if run.info.lifecycle_stage != "active":
        raise InputError(
            f"The run of {wanted} was deleted: restore it in MLflow, or name another study or run."
        )
    if above := run.data.tags.get(run_tags.PARENT):
        raise InputError(
            f"Run {wanted} is a single run ({run.info.run_name}): name its parent run, {above}."
        )
    return run


def refuse_untrained(name: str) -> None:
    """Raise InputError if `name` is a study of this project, which this store does not have."""
    if name not in study_file.names():
        return
    readable = paths.REPORTS / name / paths.READABLE_REPORT
    kept = f"; the committed results are in {readable}" if readable.is_file() else ""
    raise InputError(
        f"The study {name} was not trained here, so this MLflow store has no runs of it: "
        f"`python -m src.study {name}` trains it{kept}."
    )


def parents(client: MlflowClient) -> list[Run]:
    """Return every study and sweep, including deleted ones, the newest first."""
    experiments = [one.experiment_id for one in client.search_experiments()]
    found = [
        run
        for tag in (run_tags.STUDY, run_tags.SWEEP)  # no run has both
        for run in run_search.every_run(
            client, experiments, f"tags.{tag} LIKE '%'", run_view_type=ViewType.ALL
        )
        if run_tags.PARENT not in run.data.tags
    ]
    return sorted(found, key=lambda run: run.info.start_time, reverse=True)


def _complete(
    client: MlflowClient, parent: Run, children: Sequence[Run], factor: Factor
) -> tuple[list[Run], list[str]]:
    """Return the finished runs that have all their files, and a remark on the others, but for a
    failed run that succeeded when it was repeated.
    """
    problems = [(run, _problem(client, run)) for run in children]
    complete = [run for run, problem in problems if not problem]
    done = {run.info.run_name for run in complete}
    others = [(run.info.run_name, problem) for run, problem in problems]
    names = [f"{name} ({problem})" for name, problem in others if name not in done]
    if not complete:
        found = f" but {listed(names, MOST)}" if names else ""
        raise InputError(
            f"{parent.info.run_name} ({parent.info.run_id}) has no finished runs{found}: a "
            f"report needs at least 2 {factor.plural} with 2 finished seeds each."
        )
    return complete, [f"Left out: {listed(names, MOST)}."] if names else []


def _problem(client: MlflowClient, run: Run) -> str:
    """Say why a run cannot be reported; an empty text if it can."""
    if run.info.lifecycle_stage != "active":
        return "deleted"
    if run.info.status != "FINISHED":
        return run.info.status.lower()
    kept = {file.path for file in client.list_artifacts(run.info.run_id)}
    return next((f"without {name}" for name in FILES if name not in kept), "")


def _check_alike(found: Levels, runs: Sequence[Run], vary: Sequence[str]) -> None:
    """Refuse runs of different recipes, data or frameworks: the runs of a level may differ in the
    seed alone and in what its searches set, those of two levels also in what the factor sets.
    """
    differences, searched = [], _searched(runs)
    for key in dict.fromkeys(key for run in runs for key in run.data.params):
        parts = found.runs.values() if found.is_free(key) else [runs]
        for part in parts if not (is_ignored(key) or _is_below(key, searched)) else ():
            differences += _differing(key, [(run.data.params.get(key, ""), run) for run in part])
    for tag in FRAMEWORK:
        differences += _differing(tag, [(run.data.tags.get(tag, ""), run) for run in runs])
    redrawn = study_file.draws(vary, 0)  # with each seed, the images of the parts are others
    for seed in sorted(set(map(_seed, runs))) if redrawn else [None]:
        part = [run for run in runs if seed is None or _seed(run) == seed]
        differences += _differing(DATA, [(run.data.tags.get(DATA, "")[:12], run) for run in part])
    if differences:
        raise InputError(
            "These runs cannot be compared because they differ in more than "
            f"{found.factor.noun} and seed: {'; '.join(differences[:4])}. Start a sweep with one "
            "value of each."
        )


def _searched(runs: Sequence[Run]) -> set[str]:
    """Return the keys that the search of each seed has set."""
    winners = [json.loads(run.data.tags.get(run_tags.TUNED, "{}")) for run in runs]
    return {override.key(word) for one in winners for word in one.get("overrides", ())}


def _is_below(param: str, keys: set[str]) -> bool:
    return any(param == key or param.startswith(f"{key}.") for key in keys)


def _differing(key: str, values: Sequence[tuple[str, Run]]) -> list[str]:
    """Return `epochs is 2 in relu-seed1, 3 in relu-seed2`, on a param or a tag; [] if all agree."""
    holders: dict[str, list[str]] = {}
    for value, run in values:
        holders.setdefault(value or "missing", []).append(run.info.run_name)
    found = [f"{value} in {listed(names, most=2)}" for value, names in holders.items()]
    more = ", ..." if len(found) > 4 else ""
    return [f"{key} is {', '.join(found[:4])}{more}"] if len(found) > 1 else []


def _check_code(runs: Sequence[Run]) -> list[str]:
    """Refuse runs of different training code if git can tell; return remarks on doubtful ones."""
    remarks = []
    commits: dict[str, str] = {}  # with the name of a run
    for run in runs:
        commits.setdefault(run.data.tags.get("git_commit", ""), run.info.run_name)
    (first, one), *others = commits.items()
    for commit, other in others:
        changed = environment.changed_files(first, commit, [CODE])
        if changed is None:
            remarks.append(
                f"{one} and {other} come from different commits ({_short(first)}, "
                f"{_short(commit)}), and this repository does not have both: their training code "
                "may differ."
            )
        elif changed:
            raise InputError(
                "These runs cannot be compared because their training code differs: "
                f"{listed(changed, MOST)} changed between {_short(first)} ({one}) and "
                f"{_short(commit)} ({other}). Train all of them with one version."
            )
    if dirty := sum(run.data.tags.get("git_dirty") == "true" for run in runs):
        remarks.append(
            f"{dirty} of {count(len(runs), 'run')} used files with uncommitted changes (src/, "
            "conf/ or params.yaml): their commit does not tell exactly what ran."
        )
    if len({run.data.tags.get("cpus") for run in runs}) > 1:
        remarks.append(
            "The runs come from machines with different numbers of cores: compare times with care."
        )
    return remarks


def _short(commit: str) -> str:
    return commit[:7] or "no commit"


def _paired(found: Levels) -> tuple[dict[str, list[Run]], list[str]]:
    """Return the runs with seeds that every level has, and remarks on the others."""
    noun, plural, remarks = found.factor.noun, found.factor.plural, []
    newest = {
        name: sorted({_seed(run): run for run in runs}.values(), key=_seed)  # the oldest come first
        for name, runs in found.runs.items()
    }
    for name, runs in found.runs.items():
        if twice := len(runs) - len(newest[name]):
            remarks.append(
                f"{name} has {count(twice, 'repeated run')}: the newest of each seed counts."
            )
    common = set.intersection(*(set(map(_seed, runs)) for runs in newest.values()))
    if len(common) < 2:
        seeds = {name: [str(_seed(run)) for run in runs] for name, runs in newest.items()}
        shared = "; ".join(f"{name}: {listed(some, MOST)}" for name, some in seeds.items())
        raise InputError(
            f"The {plural} share {count(len(common), 'seed')} ({shared}), but a comparison needs "
            f"at least 2: train every {noun} with the same seeds, ideally 10 (seed=1,2,3 -m)."
        )
    if len(newest) < 2:
        [name], key = newest, found.factor.key
        example = EXAMPLES.get(key, f"{key}={found.values[name]},...")
        raise InputError(
            f"All finished runs are of {name}, but a comparison needs at least 2 {plural}: "
            f"train another with the same seeds, in one sweep ({example} -m)."
        )
    for name, runs in newest.items():
        if lone := [_seed(run) for run in runs if _seed(run) not in common]:
            remarks.append(f"Left out: {seed_list(lone)} of {name}, which not every {noun} has.")
    paired = {name: [run for run in runs if _seed(run) in common] for name, runs in newest.items()}
    return paired, remarks


def _seed(run: Run) -> int:
    return int(run.data.params["seed"])


def _read(client: MlflowClient, run: Run) -> tuple[Training, np.ndarray]:
    """Return a run, and its class probabilities, float32 (images, 10)."""
    with _files(client, run, FILES) as (history, probabilities, predictions):
        epochs = pd.read_csv(history)
        labels, predicted = _predictions(run, predictions)
        output = np.load(probabilities)
        if output.shape != (len(labels), CLASSES):
            raise ValueError(f"{paths.PROBABILITIES} and {paths.PREDICTED} do not match")
        training = Training(
            run_id=run.info.run_id,
            name=run.info.run_name,
            seed=_seed(run),
            started=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
            ended=datetime.fromtimestamp(run.info.end_time / 1000, UTC),
            params=run.data.params,
            tags=run.data.tags,
            history=epochs,
            labels=labels,
            predicted=predicted,
            reliability=diagnostics.reliability(output, labels),
        )
        if epochs.empty or epochs[EPOCH_METRICS].astype(float).isna().any(axis=None):
            raise ValueError(f"{paths.HISTORY} is incomplete")
        return training, output


def correct(
    client: MlflowClient, runs: Mapping[RunKey, Run], kept: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], float]:
    """Return which predictions of a study's runs are correct, bool (seeds, images), by level, each
    with the same seeds; and the share of the most frequent class. `kept` has the true and predicted
    labels of the runs read so far, by run id, uint8 (2, images); others are added.
    Raise InputError if a run's predictions cannot be read, or its data has no held-out labels.
    """
    rows: dict[str, list[np.ndarray]] = {key.variant: [] for key in runs}
    for key, run in sorted(runs.items(), key=lambda one: one[0].seed):
        if run.info.run_id not in kept:
            with _files(client, run, [paths.PREDICTED]) as (predictions,):
                kept[run.info.run_id] = np.stack(_predictions(run, predictions))
        labels, predicted = kept[run.info.run_id]
        rows[key.variant].append(labels == predicted)
    sizes = {len(row) for some in rows.values() for row in some}
    if len(sizes) > 1:
        raise InputError(
            f"The runs were scored on different numbers of held-out images ({sorted(sizes)}): only "
            "runs on the same images can be compared."
        )
    guess = float(np.unique_counts(labels).counts.max() / len(labels))
    return {level: np.stack(some) for level, some in rows.items()}, guess


@contextmanager
def _files(client: MlflowClient, run: Run, names: Sequence[str]) -> Iterator[list[Path]]:
    """Download files of a run for the block, which reads them."""
    remedy = "delete the run in MLflow and train it again."
    with (
        parsing(f"The files of run {run.info.run_name} ({run.info.run_id})", remedy),
        tempfile.TemporaryDirectory() as folder,
    ):
        yield [Path(client.download_artifacts(run.info.run_id, name, folder)) for name in names]


def _predictions(run: Run, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return true and predicted labels, uint8 (images,) each."""
    table = pd.read_csv(path)[["actual", "predicted"]].astype(np.uint8)
    if table.empty:
        raise InputError(
            f"Run {run.info.run_name} ({run.info.run_id}) has no held-out labels, as its data came "
            "without them: train on data with public labels (fetch.source=mnist)."
        )
    return table["actual"].to_numpy(), table["predicted"].to_numpy()


def dataset_of(run: Run) -> str:
    """Return the name of the data that a run was trained on; empty if unknown."""
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return inputs[0].dataset.name.rpartition("-")[0] if inputs else ""  # without the data's part
