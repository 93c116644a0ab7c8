"""Gathers the evidence for a report from MLflow, the trained networks and the data at hand."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from src.analysis import levels, load_runs, statistics
from src.analysis.findings import Findings
from src.analysis.run_set import ACTIVATION, RunSet, is_ignored
from src.analysis.statistics import Estimate
from src.core import errors, hardware, heavy_imports, paths
from src.core.errors import InputError
from src.data import dataset
from src.experiments.parent import Parent
from src.experiments.trials import Record
from src.reporting import comparison_figures, drawing, factor_exhibits, page
from src.reporting.evidence import Evidence
from src.reporting.tuning_exhibits import Tuned, Tuning
from src.tracking import run_tags, store, views

LIBRARIES = ("numpy", "scipy", "matplotlib", "mlflow")


def gather(client: MlflowClient, runs: RunSet, found: Findings) -> Evidence:
    """Return the evidence on a set of runs."""
    profile = None
    if found.factor.key == ACTIVATION:
        heavy_imports.load()
        from src.reporting import activation_profile  # TensorFlow

        profile = activation_profile.profile(runs, found)
    images = None if runs.images_by_seed else held_out_images(runs)
    shown = comparison_figures.images_shown(found)
    return Evidence(
        runs=runs,
        reference=found.reference,
        profile=profile,
        parameters=parameters(client, runs) if factor_exhibits.has_models(runs) else {},
        tuning=_tuning(client, runs, found),
        images=None if images is None else {place: images[place] for place in shown},
        versions=tuple(f"{library} {version(library)}" for library in LIBRARIES),
        machine=page.machine(hardware.processor(), psutil.cpu_count() or 1),
    )


def log(client: MlflowClient, runs: RunSet, found: Findings, folder: Path, artifacts: str) -> None:
    """Log a report to the parent run, and give the runs the page's colors in MLflow's charts."""
    client.log_artifacts(runs.parent_id, str(folder), artifacts)
    for name, look in drawing.looks_of(found).items():
        for one in runs.trainings[name]:
            client.set_tag(one.run_id, views.COLOUR, look.color)


def held_out_images(runs: RunSet) -> np.ndarray | None:
    """Return the images that the runs were scored on, uint8 (images, 28, 28), if available."""
    try:
        here = dataset.load_description()
        images = dataset.load(paths.TEST)["images"]
    except errors.InputError:
        return None
    same = here.digest == runs.first.tags.get("data_digest")
    return images if same and len(images) == len(runs.labels) else None


def _tuning(client: MlflowClient, runs: RunSet, found: Findings) -> Tuning | None:
    winners = _winners(runs)
    read = {
        name: [one for one in (_read(client, winner) for winner in winners[name]) if one.trials]
        for name in found.levels
        if name in winners
    }
    searches = {name: ones for name, ones in read.items() if ones}
    if not searches:
        return None
    tuning = Tuning(searches, is_repeated=run_tags.TUNED not in runs.tags)
    before = untuned(client, runs, list(next(iter(searches.values()))[0].best.params))
    return replace(tuning, untuned=before.title, gains=gained(before, runs)) if before else tuning


def _winners(runs: RunSet) -> dict[str, list[dict[str, Any]]]:
    """Return the best trial of each search by level: of one, or of one for each seed."""
    if run_tags.TUNED in runs.tags:
        of_labels = json.loads(runs.tags[run_tags.TUNED]).items()
        return {levels.shown(runs.factor.key, label): [winner] for label, winner in of_labels}
    return {
        name: [json.loads(one.tags[run_tags.TUNED]) for one in ones if run_tags.TUNED in one.tags]
        for name, ones in runs.trainings.items()
    }


def _read(client: MlflowClient, winner: Mapping[str, Any]) -> Tuned:
    parent = client.get_run(winner["parent_id"])
    trials = Record(Parent(client, parent.info.experiment_id, parent.info.run_id)).trials()
    return Tuned(trials, winner["trial"], parent.data.tags.get("sampler", ""))


def untuned(client: MlflowClient, runs: RunSet, keys: Sequence[str]) -> RunSet | None:
    """Return the newest study of the same levels in the same recipe but for the tuned keys."""
    for parent in load_runs.parents(client):
        tags = parent.data.tags
        alike = all(tags.get(key) == runs.tags.get(key) for key in ("experiment", "data_digest"))
        if not alike or run_tags.TUNE in tags or run_tags.STUDY not in tags:
            continue
        with suppress(InputError):  # deleted, unfinished or mixed
            other = load_runs.load(client, parent.info.run_id)
            if _comparable(other, runs, keys):
                return other
    return None


def _comparable(other: RunSet, runs: RunSet, keys: Sequence[str]) -> bool:
    def recipe(one: RunSet, name: str) -> dict[str, str]:
        params = one.trainings[name][0].params.items()
        return {key: value for key, value in params if not is_ignored(key) and key not in keys}

    both = [name for name in runs.trainings if name in other.trainings]
    return (
        len(set(other.seeds) & set(runs.seeds)) > 1
        and other.factor.key == runs.factor.key
        and not (other.images_by_seed or runs.images_by_seed)
        and np.array_equal(other.labels, runs.labels)
        and bool(both)
        and all(recipe(other, name) == recipe(runs, name) for name in both)
    )


def gained(before: RunSet, runs: RunSet) -> dict[str, Estimate]:
    """Return the gain in accuracy of each level in both studies, for new seeds and new images."""
    seeds = [seed for seed in runs.seeds if seed in before.seeds]
    at, now = ([one.seeds.index(seed) for seed in seeds] for one in (before, runs))
    gains: dict[str, Estimate] = {}
    for name in [name for name in runs.correct if name in before.correct]:
        added = np.subtract(runs.correct[name][now], before.correct[name][at], dtype=np.int8)
        gains[name] = statistics.crossed_effects_mean(added)
    return gains


def parameters(client: MlflowClient, runs: RunSet) -> dict[str, int]:
    """Return each model's number of parameters, stated or counted; empty unless all are known."""
    found = {}
    for name, (first, *_) in runs.trainings.items():
        if (number := first.parameters or _count(client, first.run_id)) is None:
            return {}
        found[name] = number
    return found


def _count(client: MlflowClient, run_id: str) -> int | None:
    logged = store.logged_models(client, client.get_run(run_id).info.experiment_id, run_id)
    if not logged:
        return None
    heavy_imports.load()
    import keras  # slow, and rarely needed

    with TemporaryDirectory() as folder:
        try:
            download_artifacts(artifact_uri=logged[0].artifact_location, dst_path=folder)
            [path, *_] = Path(folder).rglob("*.keras")
            return keras.saving.load_model(path, compile=False).count_params()
        except (MlflowException, OSError, ValueError, TypeError):
            return None
