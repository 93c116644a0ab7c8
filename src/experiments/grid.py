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
from src.config.compose import Composition
from src.config.factor import VARIANT, Factor
from src.config.schema import CHOICES, LUCK, NON_TRAINING_KEYS
from src.config.study_file import Study
from src.core import formatting, metric_names
from src.core.errors import InputError, did_you_mean
from src.data.dataset import Dataset
from src.experiments import registration, run_spec, table
from src.experiments.executors import choice
from src.experiments.run_spec import RunSpec
from src.tracking import run_tags, views

NOT_IN_METRIC = re.compile(r"[^\w. /-]")  # signs that MLflow refuses in a metric's name
NOT_IN_FOLDER = re.compile(r"[^\w.+-]+")
# Keys of the configuration on which no weight depends, or that a study sets itself.
NO_FACTOR = (*NON_TRAINING_KEYS, *LUCK)

# A level by its label, and a seed where each has its own search.
Place = tuple[str, int | None]


class RunKey(NamedTuple):
    """A run of a study: the label of its level, and its seed."""

    variant: str
    seed: int


class Decision(NamedTuple):
    """The result of a look at a study: whether every pair of levels is decided, and a sentence."""

    decided: bool
    sentence: str


Decide = Callable[[Any, Mapping[RunKey, Any]], Decision]  # of a client, and the finished runs


@dataclass(kw_only=True)
class Grid:
    """A plan of runs that are composed when it begins; the methods are `engine.Plan`'s."""

    kind: str
    title: str
    run_name: str
    experiment: str | None
    first_tags: Mapping[str, str]
    tags: Mapping[str, str | None]  # of the parent run
    specs: Mapping[str, RunSpec]  # in their order, by the digests of their trainings
    factor: Factor | None  # None if the levels differ in several keys
    levels: Mapping[str, Sequence[str]]  # the overrides of each, by its label
    root: Callable[[], Path] | None = None
    parent: Any = field(default=None, init=False)
    done: dict[str, Any] = field(default_factory=dict, init=False)  # runs in MLflow, by digest
    current: Sequence[str] = field(default=(), init=False)  # digests of the batch in progress
    failed: set[str] = field(default_factory=set, init=False)  # digests, in this start

    def open(self, parent: Any) -> str:
        """Read the finished runs; one whose level has a new label gets its tags."""
        self.parent, self.current = parent, list(self.specs)
        for child in parent.children("FINISHED"):
            digest = child.data.tags[run_tags.TRAINING_DIGEST]
            self.done[digest] = child
            if (spec := self.specs.get(digest)) is not None:
                run_spec.forget_checkpoint(spec, child.info.run_id)
                for tag, value in spec.tags.items():
                    if child.data.tags.get(tag) != value:
                        parent.client.set_tag(child.info.run_id, tag, value)
        return self.opening()

    def opening(self) -> str:
        """Return the line that a start prints first."""
        raise NotImplementedError

    def note(self, found: table.Table) -> str:
        """Return the description of the parent run in Markdown; MLflow shows its first lines."""
        raise NotImplementedError

    def missing(self) -> list[RunSpec]:
        """Return the runs of the current batch that have not finished."""
        return [self.specs[digest] for digest in self.current if digest not in self.done]

    def unfinished(self) -> list[str]:
        """Return the names of the runs that did not finish in this start."""
        return [spec.name for spec in self.missing()]

    def samples(self) -> list[RunSpec]:
        """Return a run of each level that is left."""
        left = (spec for digest, spec in self.specs.items() if digest not in self.done)
        return list({spec.level: spec for spec in left}.values())

    def ended(
        self, spec: RunSpec, error: BaseException | None, finished: Sequence[Any]
    ) -> list[str]:
        """Take note of a run, and return its score and its time."""
        if error is not None:
            self.failed.add(spec.digest)
            return []
        facts = [spec.name]
        if self.parent.run_id is None:  # untracked
            self.done[spec.digest] = None
        for child in finished:
            self.done[spec.digest], metrics = child, child.data.metrics
            if metric_names.TEST_ACCURACY in metrics:
                facts.append(f"held-out accuracy {metrics[metric_names.TEST_ACCURACY]:.4f}")
            facts.append(formatting.duration(metrics[metric_names.TRAIN_SECONDS]))
        return facts

    def progress(self) -> table.Progress:
        """Return how many runs of the current batch are done, and the levels of those left."""
        left = [spec.level or "" for spec in self.missing() if spec.digest not in self.failed]
        done = sum(digest in self.done for digest in self.current)
        seconds = self.by_level(metric_names.TRAIN_SECONDS)
        return table.Progress(done, len(self.current), left, seconds)

    def runs_by_level(self) -> dict[str, list[Any]]:
        """Return the finished runs by the label of their level."""
        found: dict[str, list[Any]] = {label: [] for label in self.levels}
        for digest, child in self.done.items():
            if child is not None:
                spec = self.specs.get(digest)
                label = child.data.tags[run_tags.VARIANT] if spec is None else spec.level
                found.setdefault(str(label), []).append(child)
        return {label: runs for label, runs in found.items() if runs}

    def by_level(self, metric: str) -> dict[str, list[float]]:
        """Return a metric of the finished runs by level, without levels that have none."""
        found = {label: table.values(runs, metric) for label, runs in self.runs_by_level().items()}
        return {label: values for label, values in found.items() if values}

    def summary(self) -> table.Summary:
        """Return a table with a row for each level, and the means over the seeds as metrics."""
        accuracies = self.by_level(metric_names.TEST_ACCURACY)
        seconds = self.by_level(metric_names.MEDIAN_EPOCH_SECONDS)
        spreads = {label: some for label, some in accuracies.items() if len(some) > 1}
        metrics = {  # MLflow shows them in this order
            prefix + NOT_IN_METRIC.sub("_", label): statistic(values)
            for prefix, statistic, by_level in (
                (metric_names.STUDY_ACCURACY, mean, accuracies),
                (metric_names.STUDY_ACCURACY_SD, stdev, spreads),
                (metric_names.STUDY_EPOCH_SECONDS, mean, seconds),
            )
            for label, values in by_level.items()
        }
        found = self.results()
        return table.Summary(self.tags, metrics, found, self.note(found))

    def results(self) -> table.Table:
        """Return a row for each level: its label, or the keys in which it differs from others."""
        runs = self.runs_by_level()
        words = {
            label: dict(word.partition("=")[::2] for word in self.levels.get(label, ()))
            for label in runs
        }
        keys = list(dict.fromkeys(key for given in words.values() for key in given))
        titles = keys if self.factor is None else [self.factor.noun]
        rows = []
        for label, own in runs.items():
            names = [label] if self.factor else [words[label].get(key, "–") for key in keys]
            seeds = formatting.ranges([int(run.data.params["seed"]) for run in own])
            rows.append([*names, seeds, *table.cells(own)])
        several = any(len(own) > 1 for own in runs.values())
        caption = "Mean ± standard deviation over the seeds" if several else None
        columns = [title for title, _, _ in table.COLUMNS]
        return table.Table([*titles, "seeds", *columns], rows, len(titles) + 1, caption)


@dataclass(kw_only=True)
class StudyPlan(Grid):
    """A study: every level of its factor with every seed, all else alike."""

    name: str
    study: Study
    data: Dataset
    decide: Decide | None = None  # needed for planned looks

    def identity(self) -> tuple[str, str]:
        """Return its name."""
        return run_tags.STUDY, self.name

    def choose(self, candidates: Sequence[Any], children: Callable[[Any], list[Any]]) -> Any:
        """Return the latest whose finished runs all are what the study would train now, else one
        without any. So runs of other settings, data or code are never mixed with those to come;
        runs with a level or a seed that the study no longer lists may be.
        """
        empty = None
        for parent in candidates:
            found = children(parent)
            if not found:
                empty = empty or parent
            elif all(map(self._belongs, found)):
                return parent
        if candidates and not empty:
            earlier = {run_tags.REGISTERED_EARLIER: candidates[0].info.run_id}
            self.first_tags = {**self.first_tags, **earlier}
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
        listed = {(spec.level, spec.cfg.seed) for spec in self.specs.values()}
        if label is None or (label, seed) in listed:
            return False
        levels = {label: tuple(json.loads(tags[run_tags.LEVEL]))}
        unlisted = replace(self.study, levels=levels, seeds=(seed,), searched=None)
        try:
            return digest in compose_runs(self.name, unlisted, self.data)
        except InputError:  # it can no longer be composed
            return False

    def opening(self) -> str:
        """Return its size, and how much of it is done."""
        study, listed = self.study, len(self.specs)
        levels = len(study.levels)
        noun = study.factor.noun if levels == 1 else study.factor.plural
        most = "at most " if study.looks else ""
        seeds, runs = formatting.count(len(study.seeds), "seed"), formatting.count(listed, "run")
        text = f"Study {self.name}: {levels} {noun} × {most}{seeds} = {runs}"
        if study.looks:
            looks = formatting.listed(list(map(str, study.looks)))
            text += f", with a look after {looks} seeds"
        done = len(self.done.keys() & self.specs.keys())
        if more := len(self.done) - done:
            text += f", and {more} that it no longer lists"
        return f"{text} · {done} done · {listed - done} left"

    def batches(self) -> Iterator[Iterable[RunSpec]]:
        """Yield one look after another, until one decides. A study that was killed resumes in its
        look: those before decide again as they did.
        """
        for count in self.study.looks or (len(self.study.seeds),):
            seeds = self.study.seeds[:count]
            self.current = [key for key, one in self.specs.items() if one.cfg.seed in seeds]
            if left := self.missing():
                yield [
                    replace(spec, folder=Path(f"{number}-{NOT_IN_FOLDER.sub('_', spec.name)}"))
                    for number, spec in enumerate(left)
                ]
            if self.missing():
                return
            if self.study.looks and self.decide is not None:
                specs = {key: self.specs[key] for key in self.current}
                found = {
                    RunKey(spec.level or "", spec.cfg.seed): self.done[key]
                    for key, spec in specs.items()
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

    def summary(self) -> table.Summary:
        """See `Grid`; MLflow's pages get the views that the note links to."""
        parent = self.parent
        if parent.run_id is not None:
            views.offer_runs(parent.client, parent.experiment_id)
            noun = self.study.factor.noun
            views.offer_study(parent.client, parent.experiment_id, self.name, parent.run_id, noun)
        summary = super().summary()
        seeds = dict.fromkeys(str(self.specs[key].cfg.seed) for key in self.current)
        return replace(summary, tags={**summary.tags, "seeds": " ".join(seeds)})

    def note(self, found: table.Table) -> str:
        """Return the question, the table, and the commands."""
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
    decide: Decide | None = None,
    composed: Mapping[Place, Composition] | None = None,
    registered: Mapping[str, str] | None = None,
) -> StudyPlan:
    """Return the plan of the study of that name, with all its runs composed and checked; `composed`
    has the configurations that are composed already, and `registered` the tags of
    `registration.of_file`. Raise InputError as `compose_runs` does, or if no configuration has the
    factor.
    """
    _check_factor(study)
    own, specs = f"study {name}", compose_runs(name, study, data, composed)
    tags = {
        "experiment": study.experiment,
        "data_digest": data.digest,
        run_tags.QUESTION: study.question,
        run_tags.FACTOR: study.factor.key,
        run_tags.LEVELS: json.dumps({label: list(words) for label, words in study.levels.items()}),
        run_tags.REFERENCE: study.reference,
        run_tags.COMPARE: study.compare,
        run_tags.SMALLEST_EFFECT: str(study.smallest_effect),
        run_tags.BECAUSE: study.because,
        run_tags.VARY: json.dumps(study.vary),
        run_tags.LOOKS: json.dumps(study.looks) if study.looks else None,
        run_tags.TUNE: study.tune,
        run_tags.TUNED: json.dumps(study.tuned) if study.tuned else None,
    }
    first_tags = {run_tags.FIRST_SEEDS: str((study.looks or (len(study.seeds),))[0])}
    if registered is not None:
        first_tags |= {**registered, **registration.of_judged(tags)}
    return StudyPlan(
        kind="study",
        title=own,
        run_name=own,
        experiment=next(iter(specs.values())).cfg.mlflow.experiment,
        first_tags=first_tags,
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


def words(study: Study, label: str, seed: int | None = None) -> list[str]:
    """Return the overrides of a level's runs: the common ones, but for an experiment that the
    level chooses itself, and its own, with those that the search of a seed has found.
    """
    own = _own_words(study, label, seed)
    chosen = any(override.key(word) == "experiment" for word in own)
    return [*(study.overrides if chosen else overrides(study)), *own]


def _own_words(study: Study, label: str, seed: int | None) -> tuple[str, ...]:
    own = study.levels[label]
    if seed is None or study.searched is None:
        return own
    return (*own, *study.searched[label, seed]["overrides"])


def compose_runs(
    name: str, study: Study, data: Dataset, composed: Mapping[Place, Composition] | None = None
) -> dict[str, RunSpec]:
    """Return the runs of a study by their digests, in their order; arguments as of `study_plan`.
    Raise InputError if a run cannot be configured like this, or two levels are the same.
    """
    bases: dict[Place, RunSpec] = {}
    settings: dict[str, str] = {}
    specs = {}
    for label, seed in in_turn(list(study.levels), study.seeds):
        place = (label, seed if study.searched else None)
        if place not in bases:
            composition = (composed or {}).get(place) or compose.composition(*words(study, *place))
            bases[place] = _level(name, study, place, data, composition)
        spec = bases[place].with_seed(seed, data, study.vary)
        specs[spec.digest] = spec
    for (label, _), base in bases.items():
        text = json.dumps({**base.settings, "seed": 0}, sort_keys=True)
        twin = settings.setdefault(text, label)
        if twin != label:
            raise InputError(
                f"the levels {twin} and {label} come to the same configuration, so nothing can "
                "differ between their runs: change or delete one."
            )
    return specs


def _level(
    name: str, study: Study, place: Place, data: Dataset, composition: Composition
) -> RunSpec:
    """Return a run of a level, of which those with the study's seeds are copies."""
    (label, seed), composed = place, composition.composed
    tags = {
        run_tags.STUDY: name,
        run_tags.VARIANT: label,
        run_tags.LEVEL: json.dumps(_own_words(study, label, seed)),
    }
    if seed is not None and study.searched:
        tags[run_tags.TUNED] = json.dumps(study.searched[label, seed])
    for composed.seed in (min(study.seeds), max(study.seeds)):  # others are within their range
        compose.resolve(composed, composition.choices)
    spec = run_spec.build(
        composition,
        data,
        words(study, *place),
        name=label,
        level=label,
        tags=tags,
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
    flat = [name for name in override.flat(values) if not name.endswith("._target_")]
    keys = [name for name in flat if name.partition(".")[0] not in NO_FACTOR]
    if key not in keys:
        raise InputError(
            f"factor is {key}, which no configuration of this study has. "
            f"{did_you_mean(key, [*CHOICES, *keys])}Name a group ({', '.join(CHOICES)}), or a key "
            "as `python -m src.train --help` shows them, or give `variants` instead."
        )
