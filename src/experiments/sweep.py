"""A sweep (`-m`): Hydra's words become a grid, which the engine trains. Also the checks before a
single run.
"""

import hashlib
import itertools
import json
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from src.config import factor, messages, override
from src.config.compose import Composition
from src.config.schema import LUCK, NON_TRAINING_KEYS
from src.core import errors, formatting, heavy_imports, metric_names, paths
from src.core.errors import InputError
from src.data import dataset
from src.data.dataset import Dataset
from src.experiments import run_spec
from src.experiments.executors import choice
from src.experiments.grid import Grid
from src.experiments.run_spec import RunSpec
from src.experiments.table import Table
from src.tracking import run_tags


class Commands(Callback):
    """Takes over from Hydra when it has composed the configuration.

    Mistakes are refused before Hydra makes a folder. A sweep is trained by the engine, which ends
    the process; a single run is Hydra's job, with the `spec` and the `model` that are built here.

    Hydra turns a callback's exceptions into warnings; only SystemExit passes (errors.run).
    """

    spec: ClassVar[RunSpec | None] = None
    model: ClassVar[Any] = None  # of Keras

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the run, and give it its own folder."""
        _or_exit(lambda: _begin_run(config))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Train the sweep."""
        _or_exit(lambda: _sweep(config))
        raise SystemExit(0)


def _or_exit(function: Callable[[], None]) -> None:
    """Call a function; end the process if it fails."""
    try:
        errors.run(function)
    except Exception as error:  # an internal error
        traceback.print_exception(error)
        raise SystemExit(1) from error


@dataclass(kw_only=True)
class SweepPlan(Grid):
    """A sweep: every combination of the values that its words list."""

    words: str
    digest: str  # of the words and all trainings
    resume: bool
    jobs: Mapping[str, DictConfig]  # as Hydra composed them, by the digests of their trainings

    def identity(self) -> tuple[str, str]:
        """Return its digest."""
        return run_tags.SWEEP_DIGEST, self.digest

    def choose(self, candidates: Sequence[Any], children: Callable[[Any], list[Any]]) -> Any:
        """Return the latest, unless the user wants a new one."""
        return candidates[0] if candidates and self.resume else None

    def opening(self) -> str:
        """Return its size, and a line for each run that is done."""
        done = len(self.done.keys() & self.specs.keys())
        counted = f" · {done} done · {len(self.specs) - done} left" if done else ""
        lines = [f"Sweep: {formatting.count(len(self.specs), 'run')}{counted}"]
        for digest, child in self.done.items():
            score = child.data.metrics.get(metric_names.TEST_ACCURACY, float("nan"))
            name = self.specs[digest].name
            lines.append(f"{name} is already done: held-out accuracy {score:.4f}")
        return "\n".join(lines)

    def batches(self) -> Iterator[Iterable[RunSpec]]:
        """Yield all that is missing; the folder of each run has the files that Hydra writes."""
        if left := self.missing():
            yield map(self._with_hydras_files, left)

    def _with_hydras_files(self, spec: RunSpec) -> RunSpec:
        job = self.jobs[spec.digest]
        if job.hydra.output_subdir is not None:
            assert self.root is not None
            folder = self.root() / spec.folder / job.hydra.output_subdir
            folder.mkdir(parents=True, exist_ok=True)
            plain = {key: job[key] for key in job if key != "hydra"}
            OmegaConf.save(plain, folder / "config.yaml")
            OmegaConf.save(job.hydra.overrides.task, folder / "overrides.yaml")
        return spec

    def note(self, found: Table) -> str:
        """Return the words, the table, and the commands."""
        return "\n".join(
            [
                f"Sweep `{self.words}`.\n",
                found.markdown(),
                "\nMean ± standard deviation over the seeds. To resume it: "
                f"`python -m src.train {self.words} -m`. To report it: "
                f"`python -m src.report {self.parent.run_id}`.",
            ]
        )


def _begin_run(config: DictConfig) -> None:
    """Check a single run, load the frameworks, and make its folder."""
    data = dataset.load_description()
    composition, words = _composition(config)
    spec = run_spec.build(composition, data, words, alone=True)
    run_spec.announce(spec, data)
    print("Loading TensorFlow; the first epoch also compiles: up to 15 s ...", flush=True)
    heavy_imports.load(mlflow=spec.cfg.mlflow.enabled)
    from src.experiments import buildable  # TensorFlow: after the checks

    Commands.model = buildable.build(spec)
    if spec.cfg.mlflow.enabled:
        from src.tracking import store

        store.connect(spec.cfg.mlflow.experiment)
    Commands.spec = replace(spec, folder=_own_folder(config, "run"))


def _sweep(config: DictConfig) -> None:
    """Compose and check every job of a sweep, and train what is missing."""
    chosen = config.hydra.runtime.choices
    if (sweeper := chosen["hydra/sweeper"]) != "basic":
        raise InputError(
            f"hydra/sweeper={sweeper} is not supported: list the values (activation=swish,relu), "
            "or search with `python -m src.search`."
        )
    settings = cast(dict[str, Any], OmegaConf.to_container(config.hydra.launcher, resolve=True))
    plan = plan_of(config, list(_jobs(config)), dataset.load_description())
    executor = choice.of_launcher(chosen["hydra/launcher"], settings, len(plan.specs))
    if reason := _no_report(plan):
        print(f"Note: `python -m src.report` cannot compare these runs: {reason}.", flush=True)
    plan.root = cache(lambda: _own_folder(config, "sweep"))
    from src.experiments import engine  # MLflow: after the checks

    parent = engine.run(plan, executor)
    if parent.run_id is not None:
        print("Next")
        report = f"python -m src.report {parent.run_id}" if reason is None else ""
        if report:
            print(f"  {report}  what the runs show")
        print(f"  {'make ui':<{len(report)}}  the runs in MLflow")


def plan_of(config: DictConfig, jobs: Sequence[DictConfig], data: Dataset) -> SweepPlan:
    """Return the plan of a sweep, from the configurations of its jobs, composed and checked. Raise
    InputError if there is no job, a job cannot be configured, or a key that changes nothing of the
    training lists several values.
    """
    words = " ".join(config.hydra.overrides.task)
    if not jobs:
        raise InputError(f"{words} lists no value: there is nothing to run.")
    composed = [_composition(job) for job in jobs]
    values: dict[str, set[str]] = {}
    for word in itertools.chain.from_iterable(own for _, own in composed):
        values.setdefault(override.key(word), set()).add(word)
    varied = [key for key, found in values.items() if len(found) > 1 and key not in LUCK]
    for key in varied:
        if key.partition(".")[0] in NON_TRAINING_KEYS:
            raise InputError(
                f"{key} lists several values, but no training depends on it: give one."
            )
    specs: dict[str, RunSpec] = {}
    levels: dict[str, list[str]] = {}
    by_digest: dict[str, DictConfig] = {}
    for job, (composition, own) in zip(jobs, composed, strict=True):
        mine = [word for word in own if override.key(word) in varied]
        if not varied:
            mine = [f"activation={composition.choices['activation']}"]
        label = " ".join(mine) if len(mine) > 1 else mine[0].partition("=")[2]
        levels[label] = mine
        spec = run_spec.build(
            composition,
            data,
            own,
            folder=Path(str(job.hydra.sweep.subdir)),
            named_by=["activation", *varied],
            level=label,
            tags={run_tags.VARIANT: label, run_tags.LEVEL: json.dumps(mine)},
        )
        specs.setdefault(spec.digest, spec)
        by_digest.setdefault(spec.digest, job)
    one, found = next(iter(specs.values())).cfg.mlflow, None
    if len(varied) <= 1:  # else several keys differ
        key = varied[0] if varied else "activation"
        found = factor.of(key, [_number(label) for label in levels])
        if found.numeric:
            levels = {label: levels[label] for label in sorted(levels, key=float)}
    text = "\n".join([words, *specs])
    return SweepPlan(
        kind="sweep",
        title=f"sweep {words}",
        run_name=words or "multirun",
        experiment=one.experiment if one.enabled else None,
        first_tags={run_tags.SWEEP: words},
        specs=specs,
        factor=found,
        levels=levels,
        tags={
            run_tags.FACTOR: found.key if found else None,
            run_tags.LEVELS: json.dumps(levels) if found else None,
            run_tags.VARIED: json.dumps(varied),
            "data_digest": data.digest,
        },
        words=words,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        resume=one.resume,
        jobs=by_digest,
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _no_report(plan: SweepPlan) -> str | None:
    """Return why no report can compare the runs of a sweep; None if one can."""
    if plan.experiment is None:
        return None
    seeds: dict[str | None, set[int]] = {}
    for spec in plan.specs.values():
        seeds.setdefault(spec.level, set()).add(spec.cfg.seed)
    if plan.factor is None:
        return (
            "they differ in several keys; list what belongs together under `variants:` in a study"
        )
    if len(plan.levels) < 2:
        return f"all have one {plan.factor.noun}"
    if not all(spec.cfg.submission for spec in plan.specs.values()):
        return "submission=false leaves them without a score"
    if len(set.intersection(*seeds.values())) < 2:
        return "each level needs at least 2 seeds (seed=1,2,3)"
    return None


def _jobs(config: DictConfig) -> Iterator[DictConfig]:
    """Yield the configuration of each job of a sweep, as Hydra would compose it."""
    loader = GlobalHydra.instance().config_loader()
    overrides = OverridesParser.create(loader).parse_overrides(config.hydra.overrides.task)
    try:
        for number, words in enumerate(BasicSweeper.split_arguments(overrides, None)[0]):
            job = loader.load_sweep_config(config, words)
            with open_dict(job):
                job.hydra.job.id = job.hydra.job.num = number
            yield job
    except Exception as error:
        if not messages.is_refusal(error):
            raise
        raise messages.explain(error) from error


def _composition(job: DictConfig) -> tuple[Composition, list[str]]:
    """Return the configuration and the overrides of a job, without Hydra's own part."""
    composed = deepcopy(job)
    with open_dict(composed):
        del composed["hydra"]
    return Composition(composed, job.hydra.runtime.choices), list(job.hydra.overrides.task)


def _own_folder(config: DictConfig, kind: str) -> Path:
    """Make and return the folder of a run or a sweep: the one that the user names, else a new one,
    even for two commands that start in the same second.
    """
    key = f"hydra.{kind}.dir"
    folder = Path(config.hydra[kind].dir)
    try:
        if any(word.startswith(f"{key}=") for word in config.hydra.overrides.hydra):
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = paths.fresh_folder(folder)
    except OSError as error:
        raise InputError(
            f"{key}={folder} cannot be made ({error.strerror}): name another folder."
        ) from error
    with read_write(config), open_dict(config):
        config.hydra[kind].dir = str(folder)
    return folder
