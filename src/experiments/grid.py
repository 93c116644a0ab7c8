"""Plans whose runs are all known when they begin: levels × seeds, as a study's file or the words of
a sweep list them.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple, cast

from omegaconf import OmegaConf

from src.config import compose, override
from src.config.factor import VARIANT, Factor
from src.config.schema import CHOICES, NON_TRAINING_KEYS
from src.config.study_file import SPLIT, Study
from src.core import formatting, metric_names
from src.core.errors import InputError, did_you_mean
from src.data.dataset import Dataset
from src.experiments import run_spec, table
from src.experiments.executors import choice
from src.experiments.run_spec import Composition, RunSpec
from src.tracking import run_tags, views

NOT_IN_METRIC = re.compile(r"[^\w. /-]")  # signs that MLflow refuses in a metric's name
NOT_IN_FOLDER = re.compile(r"[^\w.+-]+")
# Keys of the configuration on which no weight depends, or that a study sets itself.
NO_FACTOR = (*NON_TRAINING_KEYS, "seed", "split_seed")


class RunKey(NamedTuple):
    """A run of a study: the label of its level, and its seed."""

    variant: str
    seed: int


class Decision(NamedTuple):
    """The result of a look at a study: whether every pair of levels is decided, and a sentence."""

    decided: bool
    sentence: str


@dataclass
class Grid:
    """A plan of runs that are composed when it begins.

    Attributes:
        specs: the runs in their order, by the digests of their trainings.
        factor: the noun of their levels; None where they differ in several keys.
        levels: the overrides of each level, by its label.
        tags: of the parent run.
        root: the folder of the runs' folders; None for a new one.
        done: the finished runs as MLflow has them, by digest.
        current: the digests of the batch in progress.
        failed: the digests of the runs that failed in this start.
    """

    kind: str
    title: str
    run_name: str
    experiment: str | None
    first_tags: Mapping[str, str]
    specs: Mapping[str, RunSpec]
    factor: Factor | None
    levels: Mapping[str, Sequence[str]]
    tags: Mapping[str, str | None]
    root: Path | None = field(default=None, kw_only=True)
    done: dict[str, Any] = field(default_factory=dict, init=False)
    current: Sequence[str] = field(default=(), init=False)
    failed: set[str] = field(default_factory=set, init=False)
    parent: Any = field(default=None, init=False)

    def open(self, parent: Any) -> str:
        """See `Plan`."""
        self.parent = parent
        for child in parent.children("FINISHED"):
            self.done[child.data.tags[run_tags.TRAINING_DIGEST]] = child
        for digest in self.done.keys() & self.specs.keys():
            run_spec.forget_checkpoint(self.specs[digest], self.done[digest].info.run_id)
        self.current = list(self.specs)
        return self.opening()

    def opening(self) -> str:
        """Return the line that a start prints first."""
        raise NotImplementedError

    def missing(self) -> list[str]:
        """Return the digests of the runs of the current batch that have not finished."""
        return [digest for digest in self.current if digest not in self.done]

    def unfinished(self) -> list[str]:
        """Return the names of the runs that did not finish in this start."""
        return [self.specs[digest].name for digest in self.missing()]

    def samples(self) -> list[RunSpec]:
        """See `Plan`: a run of each level."""
        left = [spec for digest, spec in self.specs.items() if digest not in self.done]
        return list({spec.level: spec for spec in left}.values())

    def batches(self) -> Iterator[Iterable[RunSpec]]:
        """See `Plan`; the folders are numbered in the order of this start."""
        if left := self.missing():
            specs = enumerate(self.specs[digest] for digest in left)
            yield [replace(spec, folder=self.folder(number, spec)) for number, spec in specs]

    def folder(self, number: int, spec: RunSpec) -> Path:
        """Return the name of a run's folder."""
        return Path(f"{number}-{NOT_IN_FOLDER.sub('_', spec.name)}")

    def ended(self, spec: RunSpec, error: BaseException | None) -> list[str]:
        """See `Plan`."""
        if error is not None:
            self.failed.add(spec.digest)
            return []
        facts = [spec.name]
        for child in self.parent.children("FINISHED", spec.digest):
            self.done[spec.digest] = child
            metrics = child.data.metrics
            if metric_names.TEST_ACCURACY in metrics:
                facts.append(f"held-out accuracy {metrics[metric_names.TEST_ACCURACY]:.4f}")
            facts.append(formatting.duration(metrics[metric_names.TRAIN_SECONDS]))
        if self.parent.run_id is None:  # untracked
            self.done[spec.digest] = None
        return facts

    def progress(self) -> Any:
        """See `Plan`."""
        from src.experiments.progress import Progress  # MLflow: after the checks

        left = [self.specs[digest].level for digest in self.missing() if digest not in self.failed]
        seconds: dict[str, list[float]] = {}
        for label, runs in self.by_level().items():
            if found := table.values(runs, metric_names.TRAIN_SECONDS):
                seconds[label] = found
        done = sum(digest in self.done for digest in self.current)
        return Progress(done, len(self.current), [one or "" for one in left], seconds)

    def by_level(self) -> dict[str, list[Any]]:
        """Return the finished runs by the label of their level."""
        found: dict[str, list[Any]] = {label: [] for label in self.levels}
        for child in filter(None, self.done.values()):
            found.setdefault(child.data.tags[run_tags.VARIANT], []).append(child)
        return {label: runs for label, runs in found.items() if runs}

    def summary(self) -> Any:
        """See `Plan`."""
        from src.experiments.engine import Summary  # MLflow: after the checks

        found = self.results()
        return Summary(self.tags, self.metrics(), found, self.note(found))

    def results(self) -> table.Table:
        """Return a row for each level, over its seeds."""
        runs = self.by_level()
        words = {
            label: dict(word.partition("=")[::2] for word in self.levels.get(label, ()))
            for label in runs
        }
        keys = list(dict.fromkeys(key for given in words.values() for key in given))
        titles = keys if self.factor is None else [self.factor.noun]
        rows = []
        for label, own in runs.items():
            names = [words[label].get(key, "–") for key in keys] if not self.factor else [label]
            seeds = formatting.ranges([int(run.data.params["seed"]) for run in own])
            rows.append([*names, seeds, *table.cells(own)])
        several = any(len(own) > 1 for own in runs.values())
        caption = "Mean ± standard deviation over the seeds" if several else None
        columns = [title for title, _, _ in table.COLUMNS]
        return table.Table([*titles, "seeds", *columns], rows, len(titles) + 1, caption)

    def metrics(self) -> dict[str, float]:
        """Return the means over the seeds, by names in the order in which MLflow shows them."""
        runs = {NOT_IN_METRIC.sub("_", label): own for label, own in self.by_level().items()}
        accuracies = {
            key: found
            for key, own in runs.items()
            if (found := table.values(own, metric_names.TEST_ACCURACY))
        }
        seconds = {
            key: found
            for key, own in runs.items()
            if (found := table.values(own, metric_names.MEDIAN_EPOCH_SECONDS))
        }
        return {
            **{metric_names.STUDY_ACCURACY + key: mean(some) for key, some in accuracies.items()},
            **{
                metric_names.STUDY_ACCURACY_SD + key: stdev(some)
                for key, some in accuracies.items()
                if len(some) > 1
            },
            **{metric_names.STUDY_EPOCH_SECONDS + key: mean(some) for key, some in seconds.items()},
        }

    def note(self, found: table.Table) -> str:
        """Return the description of the parent run in Markdown; MLflow shows its first lines."""
        raise NotImplementedError


@dataclass
class StudyPlan(Grid):
    """A study: every level of its factor with every seed, all else alike.

    Attributes:
        name: of the study's file.
        study: its contents.
        data: the data.
        decide: looks at the finished runs of the first seeds, by level and seed; needed where the
            study has planned looks.
    """

    name: str
    study: Study
    data: Dataset
    decide: Callable[[Any, Mapping[RunKey, Any]], Decision] | None = None

    def identity(self) -> tuple[str, str]:
        """See `Plan`."""
        return run_tags.STUDY, self.name

    def choose(self, candidates: Sequence[Any], children: Callable[[Any], list[Any]]) -> Any:
        """See `Plan`: the latest whose finished runs all are what the study would train now, else
        one without any.

        So runs of other settings, data or code are never mixed with those to come; runs with a
        level or a seed that the study no longer lists may be.
        """
        empty = None
        for parent in candidates:
            found = children(parent)
            if not found:
                empty = empty or parent
            elif all(map(self._belongs, found)):
                return parent
        if candidates and not empty:
            print(
                f"MLflow has runs of the study {self.name} with other settings, data or code. They "
                "stay there; the study starts anew."
            )
        return empty

    def _belongs(self, child: Any) -> bool:
        """Return whether a finished run is what the study would train now, listed or not."""
        tags = child.data.tags
        digest = tags.get(run_tags.TRAINING_DIGEST)
        if digest in self.specs:
            return True
        label, seed = tags.get(run_tags.VARIANT), int(child.data.params["seed"])
        if label is None or any((one.level, one.cfg.seed) == (label, seed) for one in self._all):
            return False
        unlisted = replace(
            self.study, levels={label: tuple(json.loads(tags[run_tags.LEVEL]))}, seeds=(seed,)
        )
        try:
            return digest in compose_runs(self.name, unlisted, self.data)
        except InputError:  # it can no longer be composed
            return False

    @property
    def _all(self) -> list[RunSpec]:
        return list(self.specs.values())

    def opening(self) -> str:
        """See `Grid`."""
        study, listed = self.study, len(self.specs)
        levels = len(study.levels)
        noun = study.factor.noun if levels == 1 else study.factor.plural
        most = "at most " if study.looks else ""
        text = (
            f"Study {self.name}: {levels} {noun} × {most}{len(study.seeds)} seeds = {listed} runs"
        )
        if study.looks:
            looks = formatting.listed(list(map(str, study.looks)))
            text += f", with a look after {looks} seeds"
        done = len(self.done.keys() & self.specs.keys())
        if more := len(self.done) - done:
            text += f", and {more} that it no longer lists"
        return f"{text} · {done} done · {listed - done} left"

    def batches(self) -> Iterator[Iterable[RunSpec]]:
        """See `Plan`: one look after another, until one decides.

        A study that was killed resumes in its look: those before decide again as they did.
        """
        for count in self.study.looks or (len(self.study.seeds),):
            seeds = self.study.seeds[:count]
            self.current = [key for key, one in self.specs.items() if one.cfg.seed in seeds]
            yield from super().batches()
            if self.missing():
                return
            if self.study.looks and self.decide is not None:
                found = {
                    RunKey(self.specs[key].level or "", self.specs[key].cfg.seed): self.done[key]
                    for key in self.current
                }
                decision = self.decide(self.parent.client, found)
                print(self._look(count, decision), flush=True)
                if decision.decided:
                    return

    def _look(self, seeds: int, decision: Decision) -> str:
        """Return the line for a look: its number, its result, and how the study continues."""
        looks = self.study.looks
        number = looks.index(seeds) + 1
        if decision.decided:
            ending = "the study ends here" if seeds < looks[-1] else "the study ends"
        elif seeds == looks[-1]:
            ending = f"no more than {seeds} seeds are planned, so the study ends undecided"
        else:
            ending = f"continuing to {looks[number]} seeds"
        after = f"Look {number} of {len(looks)}, after {formatting.count(seeds, 'seed')}"
        return f"{after}: {decision.sentence} · {ending}"

    def summary(self) -> Any:
        """See `Plan`; MLflow's pages get the views that the note links to."""
        parent = self.parent
        if parent.run_id is not None:
            views.offer_runs(parent.client, parent.experiment_id)
            noun = self.study.factor.noun
            views.offer_study(parent.client, parent.experiment_id, self.name, parent.run_id, noun)
        summary = super().summary()
        seeds = " ".join(map(str, sorted({self.specs[key].cfg.seed for key in self.current})))
        return replace(summary, tags={**summary.tags, "seeds": seeds})

    def note(self, found: table.Table) -> str:
        """See `Grid`."""
        study, experiment_id = self.study, self.parent.experiment_id
        at_a_time = "on Ray" if study.executor == choice.RAY else f"{study.workers} at a time"
        return "\n".join(
            [
                f"{study.question} [Its runs]({views.runs_link(experiment_id)}), "
                f"[its charts]({views.charts_link(experiment_id, self.name)}).\n",
                found.markdown(),
                f"\nMean ± standard deviation over the seeds. Recipe: "
                f"`{' '.join(overrides(study))}`, on {study.dataset}, {at_a_time}.\n",
                f"To resume or repeat it: `python -m src.study {self.name}`. To report it: "
                f"`python -m src.report {self.name}`, which adds report/index.html to the "
                "artifacts.",
            ]
        )


def study_plan(
    name: str,
    study: Study,
    data: Dataset,
    decide: Callable[[Any, Mapping[RunKey, Any]], Decision] | None = None,
    composed: Mapping[str, Composition] | None = None,
) -> StudyPlan:
    """Return the plan of a study, with all its runs composed and checked.

    Args:
        name: of its file.
        study: its contents.
        data: the data.
        decide: see `StudyPlan`.
        composed: the configuration of each level, if it is composed already.

    Raises:
        InputError: a run cannot be configured like this, no configuration has the factor, or two
            levels are the same.
    """
    _check_factor(study)
    specs = compose_runs(name, study, data, composed)
    tags = {
        "experiment": study.experiment,
        "data_digest": data.digest,
        run_tags.QUESTION: study.question,
        run_tags.FACTOR: study.factor.key,
        run_tags.LEVELS: json.dumps({label: list(words) for label, words in study.levels.items()}),
        run_tags.REFERENCE: study.reference,
        run_tags.COMPARE: study.compare,
        run_tags.SMALLEST_EFFECT: str(study.smallest_effect),
        run_tags.VARY: json.dumps(study.vary),
        run_tags.LOOKS: json.dumps(study.looks) if study.looks else None,
        run_tags.TUNE: study.tune,
        run_tags.TUNED: json.dumps(study.tuned) if study.tuned else None,
    }
    return StudyPlan(
        kind="study",
        title=f"study {name}",
        run_name=f"study {name}",
        experiment=next(iter(specs.values())).cfg.mlflow.experiment,
        first_tags={run_tags.FIRST_SEEDS: str((study.looks or (len(study.seeds),))[0])},
        specs=specs,
        factor=study.factor,
        levels=study.levels,
        tags=tags,
        name=name,
        study=study,
        data=data,
        decide=decide,
    )


def in_turn(labels: Sequence[str], seeds: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Yield levels and seeds in the order in which to train them: seed by seed, and with each seed
    another level first, so that a noisy hour hits all alike.
    """
    for turn, seed in enumerate(seeds):
        first = turn % len(labels)
        for label in (*labels[first:], *labels[:first]):
            yield label, seed


def overrides(study: Study) -> list[str]:
    """Return the overrides that all runs of a study have in common."""
    experiment = [f"experiment={study.experiment}"] if study.experiment else []
    return [*experiment, *study.overrides]


def words(study: Study, label: str) -> list[str]:
    """Return the overrides of a level's runs: the common ones, but for an experiment that the
    level chooses itself, and its own.
    """
    own = study.levels[label]
    chosen = any(override.key(word) == "experiment" for word in own)
    return [*(study.overrides if chosen else overrides(study)), *own]


def compose_runs(
    name: str, study: Study, data: Dataset, composed: Mapping[str, Composition] | None = None
) -> dict[str, RunSpec]:
    """Return the runs of a study by their digests, in their order; arguments as of `study_plan`.

    Raises:
        InputError: a run cannot be configured like this, or two levels are the same.
    """
    bases: dict[str, RunSpec] = {}
    settings: dict[str, str] = {}
    for label in study.levels:
        own = words(study, label)
        composition = (composed or {}).get(label) or Composition(*compose.composition(*own))
        base = bases[label] = _level(name, study, label, data, composition)
        text = json.dumps({**base.settings, "seed": 0}, sort_keys=True)
        twin = settings.setdefault(text, label)
        if twin != label:
            raise InputError(
                f"the levels {twin} and {label} come to the same configuration, so nothing can "
                "differ between their runs: change or delete one."
            )
    specs = (
        bases[label].with_seed(seed, data, split=SPLIT in study.vary)
        for label, seed in in_turn(list(study.levels), study.seeds)
    )
    return {spec.digest: spec for spec in specs}


def _level(name: str, study: Study, label: str, data: Dataset, composition: Composition) -> RunSpec:
    """Return a run of a level, of which those with the study's seeds are copies."""
    composed = composition.composed
    for composed.seed in (min(study.seeds), max(study.seeds)):  # others are within their range
        compose.resolve(composed, composition.choices)
    spec = run_spec.build(
        composition,
        data,
        words(study, label),
        name=label,
        level=label,
        tags={
            run_tags.STUDY: name,
            run_tags.VARIANT: label,
            run_tags.LEVEL: json.dumps(study.levels[label]),
        },
    )
    if not spec.cfg.mlflow.enabled:
        raise InputError(
            "mlflow.enabled=false, but a study finds its finished runs in MLflow: set "
            "mlflow.enabled: true in params.yaml."
        )
    return spec


def _check_factor(study: Study) -> None:
    """Refuse a factor that is neither a group of conf/ nor a key of the common configuration."""
    key = study.factor.key
    if key in (*CHOICES, VARIANT):
        return
    composed, _ = compose.composition(*overrides(study))
    values = cast(dict[str, Any], OmegaConf.to_container(composed, throw_on_missing=False))
    keys = [
        name
        for name in override.flat(values)
        if name.partition(".")[0] not in NO_FACTOR and not name.endswith("._target_")
    ]
    if key not in keys:
        raise InputError(
            f"factor is {key}, which no configuration of this study has. "
            f"{did_you_mean(key, [*CHOICES, *keys])}Name a group ({', '.join(CHOICES)}), or a key "
            "as `python -m src.train --help` shows them, or give `variants` instead."
        )
