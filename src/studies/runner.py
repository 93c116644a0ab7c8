"""Makes the runs of a study that are not made yet, as children of one parent run in MLflow."""

import json
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from heapq import heapreplace
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any, NamedTuple

from mlflow import MlflowClient

from src.config import compose
from src.config.study_file import Study
from src.data.dataset import Dataset
from src.runtime import errors, formatting, metric_names, paths
from src.runtime.alone import alone
from src.runtime.errors import InputError
from src.studies import design, first_estimate, note, sweep_table
from src.studies.design import Composition, RunKey
from src.studies.executors import LOG, Executor, local
from src.studies.planned_run import INTERRUPTED, PlannedRun, forget_checkpoint, job_words
from src.tracking import environment, lease, run_search, run_tags, store

FOLDER = Path("multirun")
LOGS = f"{FOLDER}/DATE/TIME/RUN/{LOG}"
LOGS_ELSEWHERE = f"its run in MLflow, as {LOG}"
UNFIT = re.compile(r"[^\w.+-]+")  # what a label may have, and a folder's name shall not


class Decision(NamedTuple):
    """What a look at a study found: whether every pair of levels is decided, and a sentence."""

    decided: bool
    sentence: str


def run(
    name: str,
    study: Study,
    data: Dataset,
    compositions: Mapping[RunKey, Composition],
    executor: Executor,
    decide: Callable[[MlflowClient, Mapping[RunKey, Any]], Decision] | None = None,
) -> list[RunKey]:
    """Make what is missing of a study; return the runs that did not finish.

    A study with planned looks is made look by look, until one decides it; one that was killed goes
    on in the look that it was in, since those before find again what they found.

    Args:
        name: of the study.
        study: what it consists of.
        data: the data.
        compositions: the configuration of each of its runs.
        executor: makes the runs.
        decide: looks at the finished runs of the first seeds, as MLflow has them; with its client.
            Needed where the study has planned looks.

    Raises:
        InputError: the study is running already, or the store cannot be used.
        KeyboardInterrupt: on Ctrl-C and SIGTERM, after the runs in progress have ended.
    """
    digests = design.digests(compositions, data)
    experiment = next(iter(compositions.values())).composed.mlflow.experiment
    refusal = f"The study {name} is running in another process: wait for that to end, or end it."
    with alone(f"study-{name}", refusal):
        client, experiment_id = store.connect(experiment)
        lease.close_orphans(client, experiment_id)
        parent_id = find_reusable(client, experiment_id, name, study, data, digests)
        made = finished(client, parent_id, digests) if parent_id else {}
        for key in made.keys() & digests.keys():
            forget_checkpoint(compositions[key].composed, digests[key], made[key].info.run_id)
        print(_opening(name, study, made), flush=True)
        _rename(client, name, study, made)
        began = False
        for seeds in _looks(study):
            keys = list(design.in_turn(list(study.levels), seeds))
            missing = [key for key in keys if key not in made]
            if missing and not began:
                checked = {key.variant: compositions[key] for key in missing}
                local.in_a_process(_refuse_unbuildable, list(checked.values()))
                executor.prepare()
                parent_id = parent_id or create(client, experiment_id, name, len(seeds))
                logs = LOGS if executor.keeps_files else LOGS_ELSEWHERE
                print(f"A line for each run that ends; what it prints is in {logs}", flush=True)
                began = True
            assert parent_id is not None  # it has runs, or has been created
            note.describe(client, parent_id, name, study, data, made, seeds)
            if missing:
                left = {key: compositions[key] for key in missing}
                runs = _planned(name, study, parent_id, left, _folder(executor))
                _make(client, parent_id, runs, digests, made, executor)
                made = finished(client, parent_id, digests)
                _delete_replaced(client, parent_id, made)
                if missing := [key for key in keys if key not in made]:
                    break
            if study.looks and decide is not None:
                decision = decide(client, {key: made[key] for key in keys})
                print(_look(study, len(seeds), decision), flush=True)
                if decision.decided:
                    break
        assert parent_id is not None
        if not began:
            if client.get_run(parent_id).info.status != "FINISHED":
                client.set_terminated(parent_id)
            sweep_table.show(client, parent_id)
        note.summarize(client, parent_id, name, study, made)
    return missing


def _looks(study: Study) -> list[tuple[int, ...]]:
    """Return the seeds of each look; without planned looks there is one, at all of them."""
    return [study.seeds[:count] for count in study.looks or (len(study.seeds),)]


def _look(study: Study, seeds: int, decision: Decision) -> str:
    """Return the line for a look: which it is, what it found, and how the study goes on."""
    number, last = study.looks.index(seeds) + 1, study.looks[-1]
    if decision.decided:
        ending = "the study ends here" if seeds < last else "the study ends"
    elif seeds == last:
        ending = f"no more than {last} seeds are planned, so the study ends undecided"
    else:
        ending = f"it goes on to {study.looks[number]} seeds"
    after = f"Look {number} of {len(study.looks)}, after {formatting.count(seeds, 'seed')}"
    return f"{after}: {decision.sentence} · {ending}"


def _rename(client: MlflowClient, name: str, study: Study, made: Mapping[RunKey, Any]) -> None:
    """Tag runs that older code made, or whose level has another label now, as a new one is."""
    for key, child in made.items():
        if key.variant in study.levels:
            for tag, value in _tags(name, study, key).items():
                if child.data.tags.get(tag) != value:
                    client.set_tag(child.info.run_id, tag, value)


def _tags(name: str, study: Study, key: RunKey) -> dict[str, str]:
    """Return the tags of a run that say which of a study it is."""
    return {
        run_tags.STUDY: name,
        run_tags.VARIANT: key.variant,
        run_tags.LEVEL: json.dumps(study.levels[key.variant]),
    }


def find_reusable(
    client: MlflowClient,
    experiment_id: str,
    name: str,
    study: Study,
    data: Dataset,
    digests: Mapping[RunKey, str],
) -> str | None:
    """Return the id of the parent run that the study goes on in: the latest whose finished runs
    all are what the study would train now, else one without any; None if there is neither.

    So runs of other settings, data or code are never put together with those to come; runs with a
    level or a seed that the study no longer lists may be.
    """
    runs = run_search.every_run(
        client,
        [experiment_id],
        f"tags.{run_tags.STUDY} = '{name}'",  # its children have the tag, too
        order_by=run_search.NEWEST_FIRST,
    )
    parents = [run for run in runs if run_tags.PARENT not in run.data.tags]
    empty = None
    for parent in parents:
        children = sweep_table.children(client, parent.info.run_id, "FINISHED")
        if not children:
            empty = empty or parent.info.run_id
        elif all(_belongs(child, study, data, digests) for child in children):
            return parent.info.run_id
    if parents and not empty:
        print(
            f"What study {name} has in MLflow is of other settings, data or code. It stays there; "
            "the study begins anew."
        )
    return empty


def create(client: MlflowClient, experiment_id: str, name: str, seeds: int) -> str:
    """Create the parent run of a study that begins with this many seeds; return its id."""
    tags = {run_tags.STUDY: name, run_tags.FIRST_SEEDS: str(seeds), **lease.tags()}
    run = client.create_run(experiment_id, run_name=f"study {name}", tags=tags)
    return run.info.run_id


def _belongs(child: Any, study: Study, data: Dataset, digests: Mapping[RunKey, str]) -> bool:
    """Return whether a finished run is what the study would train now, listed or not."""
    digest = child.data.tags.get(run_tags.TRAINING_DIGEST)
    if digest in digests.values():
        return True
    key = _key(child)
    if key in digests:
        return False
    level = child.data.tags.get(run_tags.LEVEL)
    words = json.loads(level) if level else [f"activation={key.variant}"]  # of older code
    alone = replace(study, levels={key.variant: tuple(words)}, seeds=(key.seed,), looks=())
    try:
        return design.digests(design.compositions(alone), data)[key] == digest
    except InputError:  # it cannot be made any more
        return False


def finished(
    client: MlflowClient,
    parent_id: str,
    digests: Mapping[RunKey, str] | None = None,
    only: RunKey | None = None,
) -> dict[RunKey, Any]:
    """Return the finished runs of a study, as MLflow has them, by what they are.

    Args:
        client: of the store.
        parent_id: the study's run.
        digests: of the runs that the study lists: one of these is known by it, whatever its tags;
            any other by its tags.
        only: the one of these that is asked for; None for all.
    """
    one = digests[only] if digests and only else None
    keys = {digest: key for key, digest in (digests or {}).items()}
    return {
        keys.get(child.data.tags.get(run_tags.TRAINING_DIGEST, ""), _key(child)): child
        for child in sweep_table.children(client, parent_id, "FINISHED", one)
    }


def _key(child: Any) -> RunKey:
    """Return which run of a study one in MLflow is by its tags; older code made no variants."""
    tags = child.data.tags
    variant = tags.get(run_tags.VARIANT) or tags["activation"]
    return RunKey(variant, int(child.data.params["seed"]))


def _opening(name: str, study: Study, made: Collection[RunKey]) -> str:
    """Return what a start prints first."""
    levels, listed = len(study.levels), set(design.in_turn(list(study.levels), study.seeds))
    noun = study.factor.noun if levels == 1 else study.factor.plural
    total = len(listed)
    if study.looks:
        most = f"at most {len(study.seeds)} seeds = {total} runs"
        looks = formatting.listed(list(map(str, study.looks)))
        text = f"Study {name}: {levels} {noun} × {most}, looked at after {looks} seeds"
    else:
        text = f"Study {name}: {levels} {noun} × {len(study.seeds)} seeds = {total} runs"
    more = len(set(made) - listed)
    if more:
        text += f", and {more} that it no longer lists"
    return f"{text} · {len(made)} made · {len(listed - set(made))} left"


def _refuse_unbuildable(compositions: Sequence[Composition]) -> None:
    """Raise InputError if what one of the runs would train cannot be built."""
    from src.studies import buildable  # TensorFlow: in a process that has it

    buildable.refuse_unbuildable((compose.resolve(*one), one.choices) for one in compositions)


def _folder(executor: Executor) -> Path:
    """Return the folder of the runs' folders; it is made where their files stay here."""
    folder = FOLDER / f"{datetime.now():%Y-%m-%d/%H-%M-%S}"
    return paths.fresh_folder(folder) if executor.keeps_files else folder


def _planned(
    name: str,
    study: Study,
    parent_id: str,
    compositions: Mapping[RunKey, Composition],
    folder: Path,
) -> dict[RunKey, PlannedRun]:
    """Return the runs to make, in their order, each with a folder of its own."""
    planned = {}
    for number, (key, (composed, choices)) in enumerate(compositions.items()):
        composed.mlflow.parent_run_id = parent_id
        planned[key] = PlannedRun(
            composed=composed,
            choices=choices,
            folder=folder / f"{number}-{UNFIT.sub('_', str(key))}",
            job=job_words(design.words(study, key.variant)),
            command=environment.command_line(),
            label=key.variant,
            tags=_tags(name, study, key),
        )
    return planned


def _make(
    client: MlflowClient,
    parent_id: str,
    runs: Mapping[RunKey, PlannedRun],
    digests: Mapping[RunKey, str],
    before: Mapping[RunKey, Any],
    executor: Executor,
) -> None:
    """Make the runs, and print a line for each that ends; close the parent run."""
    left, failed = {planned.folder: key for key, planned in runs.items()}, 0
    made = dict(before)
    held = lease.Lease(client, parent_id)
    client.update_run(parent_id, status="RUNNING")
    for tag, value in environment.tags().items():
        client.set_tag(parent_id, tag, value)
    status = "FAILED"
    try:
        with (
            closing(executor.execute(runs.values())) as outcomes,
            first_estimate.told(client, parent_id, len(runs), executor.at_a_time()),
        ):
            for planned, error in outcomes:
                key = left.pop(planned.folder)
                if error is None:
                    # By its digest, unless the code has changed since.
                    made |= finished(client, parent_id, digests, only=key) or finished(
                        client, parent_id, digests
                    )
                    keys, workers = list(left.values()), executor.at_a_time()
                    new = {one.variant for one in keys} - {one.variant for one in made}
                    begun = first_estimate.of_levels(client, parent_id, new)
                    print(_progress(made, key, failed, keys, workers, begun), flush=True)
                else:
                    failed += 1
                    text = f"Error in run {planned.name}: {errors.told(error)}"
                    print(text, file=sys.stderr, flush=True)
        if not failed:
            status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise KeyboardInterrupt(INTERRUPTED) from None
    finally:
        for child in sweep_table.children(client, parent_id, "RUNNING"):  # ended with their worker
            client.set_terminated(child.info.run_id, "KILLED")
        client.set_terminated(parent_id, status)
        held.release()
        sweep_table.show(client, parent_id)


def _progress(
    made: Mapping[RunKey, Any],
    key: RunKey,
    failed: int,
    left: Sequence[RunKey],
    workers: int,
    begun: Mapping[str, float] = MappingProxyType({}),
) -> str:
    """Return the line for a run that has finished: runs done, what it attained, time left.

    Args:
        made: the finished runs of the study, as MLflow has them.
        key: of the run.
        failed: how many runs have failed in this start.
        left: the runs that are still to end.
        workers: how many are made at a time.
        begun: seconds of a run by level, where only runs in progress tell.
    """
    attained = made[key].data.metrics
    score = attained.get(metric_names.TEST_ACCURACY)
    known = "" if score is None else f"held-out accuracy {score:.4f} · "
    total = len(made) + failed + len(left)
    line = (
        f"{len(made):>{len(str(total))}}/{total} made · {key} · {known}"
        f"{formatting.duration(attained[metric_names.TRAIN_SECONDS])}"
    )
    if left:
        seconds = _seconds(made, left, workers, begun)
        line += f" · {len(left)} left, about {formatting.duration(seconds)}"
    return line


def _seconds(
    made: Mapping[RunKey, Any],
    left: Sequence[RunKey],
    workers: int,
    begun: Mapping[str, float] = MappingProxyType({}),
) -> float:
    """Return about how many seconds the runs that are left take, each as long as those of its level
    did, or seem to; where nothing is known of it, as long as any.
    """
    known: dict[str, list[float]] = {}
    for key, child in made.items():
        # Not from its start and end: one that was interrupted for a night has both.
        known.setdefault(key.variant, []).append(child.data.metrics[metric_names.TRAIN_SECONDS])
    typical = {**begun, **{variant: median(seconds) for variant, seconds in known.items()}}
    of_any = median(second for seconds in known.values() for second in seconds)
    busy = [0.0] * workers
    for key in left:
        heapreplace(busy, busy[0] + typical.get(key.variant, of_any))
    return max(busy)


def _delete_replaced(client: MlflowClient, parent_id: str, made: Collection[RunKey]) -> None:
    """Delete the failed runs that were made anew since (MLflow can restore them)."""
    names = {str(run) for run in made}
    for child in sweep_table.children(client, parent_id, "FAILED"):
        if child.info.run_name in names:
            client.delete_run(child.info.run_id)
