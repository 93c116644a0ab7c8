"""A search as a plan: each trial is drawn when it can begin, from a space that was composed when
the search began.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from src.config import compose, override
from src.config.compose import Composition
from src.config.schema import GROUPS
from src.config.search_file import NO_PRUNER, Search
from src.core import formatting, metric_names
from src.core.errors import InputError
from src.data.dataset import Dataset
from src.experiments import run_spec, table, trials
from src.experiments.pruning import Pruning
from src.experiments.run_spec import RunSpec
from src.experiments.trials import Record, State, Trial
from src.tracking import fingerprint, run_tags, views

MAX_FAILED = 3  # trials in a row: then the cause is not their values
MAX_CHECKED = 200  # edges of a space that are checked and built before a search begins
ROWS = 10  # of the table
DEFINING = ("sampler", "pruner", "objective", "seed")  # keys of a search's file


class Space:
    """The configurations of a search: one composed for each combination of its groups' choices, in
    which the other keys are set.
    """

    def __init__(self, search: Search, common: Sequence[str], *, scored: bool = False):
        """Compose them from the overrides that all have in common; `scored` runs, unlike trials,
        may be scored on the held-out images. Raise InputError if a key does not exist, or a value
        at the edge of its range is refused.
        """
        self.search, self.common, self.scored = search, list(common), scored
        ranges = search.ranges
        self.groups = [key for key in ranges if key in GROUPS]
        self.composed: dict[tuple[Any, ...], Composition] = {}
        try:
            self.base = self._compose({})
            for chosen in itertools.product(*(ranges[key].values for key in self.groups)):
                params = dict(zip(self.groups, chosen, strict=True))
                self.composed[chosen] = self._compose(params)
            for edge in itertools.islice(self.edges(), MAX_CHECKED):
                compose.resolve(*self._compose(edge))
        except InputError as error:
            raise InputError(f"space: {error}") from error
        if not compose.resolve(*self.base).mlflow.enabled:
            raise InputError(
                "mlflow.enabled=false, but a search finds its trials in MLflow: set "
                "mlflow.enabled: true in params.yaml."
            )

    def _compose(self, params: Mapping[str, Any]) -> Composition:
        overrides = [*self.common, *words(params), f"seed={self.search.seed}"]
        found = compose.composition(*overrides)
        found.composed.submission = found.composed.submission and self.scored
        return found

    def with_seed(self, seed: int, draws: Mapping[str, int]) -> "Space":
        """Return the same space for a search with another seed, on the data that the keys `draws`
        draw, without composing it again.
        """

        def seeded(one: Composition) -> Composition:
            composed = deepcopy(one.composed)
            for key, value in {"seed": seed, **draws}.items():
                composed[key] = value
            return Composition(composed, one.choices)

        other = copy(self)
        other.search = replace(self.search, seed=seed)
        other.common = [*self.common, *words(draws)]
        other.base = seeded(self.base)
        other.composed = {chosen: seeded(one) for chosen, one in self.composed.items()}
        return other

    def composition(self, params: Mapping[str, Any]) -> Composition:
        """Return the configuration of a trial."""
        composed, choices = self.composed[tuple(params[key] for key in self.groups)]
        composed = deepcopy(composed)
        for key, value in params.items():
            if key not in self.groups:
                OmegaConf.update(composed, key, value, merge=False)
        return Composition(composed, choices)

    def edges(self) -> Iterator[dict[str, Any]]:
        """Yield the edges of the space: each choice of a group with each of another's, all numbers
        at their lowest and at their highest, and every other choice once.
        """
        others = {key: one for key, one in self.search.ranges.items() if key not in self.groups}
        longest = max((len(one.values) for one in others.values()), default=1)
        for chosen in self.composed:
            for place in range(longest):
                edge = {
                    key: one.values[min(place, len(one.values) - 1)] for key, one in others.items()
                }
                yield {**dict(zip(self.groups, chosen, strict=True)), **edge}


def base(search: Search) -> list[str]:
    """Return the overrides that all trials of a search have in common."""
    return [f"experiment={search.experiment}", *search.overrides]


def words(params: Mapping[str, Any]) -> list[str]:
    """Return the overrides of a trial, groups first: a group's file comes before its keys."""
    keys = sorted(params, key=lambda key: key not in GROUPS)
    return [f"{key}={override.value(params[key])}" for key in keys]


def params_text(params: Mapping[str, Any]) -> str:
    """Return a trial's values in one line, without the groups of their keys."""
    found = [f"{key.rpartition('.')[2]}={shown(value)}" for key, value in params.items()]
    return formatting.listed(found, most=6) if len(found) > 6 else " ".join(found)


def shown(value: Any) -> str:
    """Return a drawn value as text."""
    return f"{value:g}" if isinstance(value, float) else override.value(value)


@dataclass
class SearchPlan:
    """A search, by itself or for one level of a study; the methods are `engine.Plan`'s."""

    name: str
    search: Search
    space: Space
    data: Dataset
    level: str | None = None  # the label of the study's level that it tunes
    anew: bool = False  # start again even if the store holds another search of that name
    for_seed: int | None = None  # the study's seed that the level's search is repeated for

    kind: str = "search"
    first_tags: Mapping[str, str] = field(default_factory=dict)
    root: Callable[[], Path] | None = None
    at_work: set[int] = field(default_factory=set, init=False)  # trials in progress
    interrupted: set[int] = field(default_factory=set, init=False)  # in this start
    lost: set[int] = field(default_factory=set, init=False)  # trials that failed without a run
    failed_in_a_row: int = field(default=0, init=False)
    record: Record | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Name it."""
        own = f" for {self.level}" if self.level is not None else ""
        own += f", seed {self.for_seed}" if self.for_seed is not None else ""
        self.title = self.run_name = f"search {self.name}{own}"
        self.experiment = self.space.base.composed.mlflow.experiment
        self.first_tags = {run_tags.SEARCH_DEFINITION: json.dumps(self.definition())}
        if self.level is not None:
            self.first_tags |= {run_tags.SEARCH_LEVEL: self.level}
        if self.for_seed is not None:
            self.first_tags |= {run_tags.SEARCH_SEED: str(self.for_seed)}

    def definition(self) -> dict[str, Any]:
        """Return what makes two searches the same, in plain JSON values. The number of trials is
        not part of it, so that a search can be extended.
        """
        settings = fingerprint.settings(self.space.base.composed)
        return {
            "training": fingerprint.digest(settings, self.data),
            "space": dict(sorted(self.search.space.items())),
            **{key: getattr(self.search, key) for key in DEFINING},
        }

    def identity(self) -> tuple[str, str]:
        """Return its name."""
        return run_tags.SEARCH, self.name

    def choose(self, candidates: Sequence[Any], children: Callable[[Any], list[Any]]) -> Any:
        """Return the one with the same definition; raise InputError if the store holds another
        search of that name. That of a level is found by any study, and starts anew as a study does.
        """
        definition, others = self.definition(), []
        for parent in candidates:
            tags = parent.data.tags
            if any(
                tags.get(tag) != self.first_tags.get(tag)
                for tag in (run_tags.SEARCH_LEVEL, run_tags.SEARCH_SEED)
            ):
                continue
            other = json.loads(tags[run_tags.SEARCH_DEFINITION])
            if other == definition:
                return parent
            if any(key.startswith(run_tags.TRIAL_PREFIX) for key in tags):
                others.append(other)
        if others and self.level is not None:
            print(
                f"MLflow has trials of the {self.title} with other settings, data or code. They "
                "stay there; the search starts anew."
            )
        elif others and not self.anew:
            names = {"training": "recipe, data or code"}
            differing = [
                names.get(key, key) for key in definition if others[0].get(key) != definition[key]
            ]
            raise InputError(
                f"The store holds another search {self.name}, with another "
                f"{formatting.listed(differing)}: rename this one, or start it anew with "
                f"`python -m src.search {self.name} --anew`, which leaves that one as it is."
            )
        return None

    def open(self, parent: Any) -> str:
        """Read the trials; forget what finished ones left."""
        self.record = Record(parent)
        known = self.trials()
        for trial in known:
            if trial.ended and trial.run_id is not None:
                run_spec.forget_checkpoint(self._spec(trial), trial.run_id)
        parts = [formatting.count(self.search.trials, "trial"), f"{self._ended(known)} done"]
        if failed := sum(trial.state == State.FAILED for trial in known):
            parts.append(f"{failed} failed")
        left = self.left(known)
        if left and (begun := sum(trial.state == State.OPEN for trial in known)):
            parts.append(f"{begun} to resume")
        return f"{self.title[0].upper()}{self.title[1:]}: {' · '.join([*parts, f'{left} left'])}"

    def trials(self) -> list[Trial]:
        """Return every trial, those that failed without a run included."""
        assert self.record is not None
        return [
            Trial(one.number, one.params, State.FAILED) if one.number in self.lost else one
            for one in self.record.trials()
        ]

    def counted(self) -> list[Trial]:
        """Return the trials that count: for a level of a study, its budget and no more."""
        found = self.trials()
        return found if self.level is None else found[: self.search.trials]

    def _ended(self, known: Sequence[Trial]) -> int:
        return sum(trial.ended for trial in known)

    def left(self, known: Sequence[Trial]) -> int:
        """Return how many trials have still to end.

        A failed trial is replaced by another; but the levels of a study get the same budget, so
        there it counts. One that was interrupted in this start waits for the next.
        """
        spent = self._ended(known) + len(self.interrupted)
        if self.level is not None:
            spent += sum(trial.state == State.FAILED for trial in known)
        return max(0, self.search.trials - spent)

    def samples(self) -> list[RunSpec]:
        """Return the edges of the space."""
        edges = itertools.islice(self.space.edges(), MAX_CHECKED)
        return [self._spec(Trial(-1, edge)) for edge in edges]

    def batches(self) -> Iterator[Iterable[RunSpec]]:
        """Yield trials, again if one failed after its successors had begun."""
        while self.left(self.trials()):
            yield self._draws()

    def _draws(self) -> Iterator[RunSpec]:
        """Yield the trials to train: first those to resume, then new ones, each drawn when it can
        begin.
        """
        from src.experiments import sampling  # Optuna: after the checks

        assert self.record is not None
        while True:
            known = self.trials()
            open_ = {trial.number: trial for trial in known if trial.state == State.OPEN}
            # A trial that has ended in MLflow is not at work, even if nobody has looked yet.
            busy = open_.keys() & self.at_work
            if self.left(known) <= len(busy):
                return
            waiting = sorted(open_.keys() - self.at_work - self.interrupted)
            if waiting:
                trial = open_[waiting[0]]
            else:
                drawn = sampling.ask(self.name, self.search, known)
                trial = self.record.begin(len(known), drawn)
            self.at_work.add(trial.number)
            yield self._spec(trial)

    def _spec(self, trial: Trial) -> RunSpec:
        """Return a trial as a run."""
        parent_id = self.record.parent.run_id if self.record else None
        early_stop = None
        composition = self.space.composition(trial.params)
        if self.search.pruner != NO_PRUNER and parent_id is not None:
            epochs = composition.composed.epochs
            early_stop = Pruning(self.name, self.search, parent_id, trial.number, epochs)
        return run_spec.build(
            composition,
            self.data,
            [*self.space.common, *words(trial.params)],
            folder=Path(f"trial-{trial.number}"),
            name=f"trial {trial.number}",
            trial=f"{parent_id} {trial.number}",
            tags={run_tags.SEARCH: self.name, run_tags.TRIAL: str(trial.number)},
            early_stop=early_stop,
        )

    def ended(
        self, spec: RunSpec, error: BaseException | None, finished: Sequence[Any]
    ) -> list[str]:
        """Return the result of a trial, and the best so far; raise InputError if too many failed,
        one after another.
        """
        from src.experiments.engine import is_interruption

        number = int(spec.tags[run_tags.TRIAL])
        self.at_work.discard(number)
        if error is not None:
            [trial] = [one for one in self.trials() if one.number == number]
            if is_interruption(error):
                self.interrupted.add(number)
            elif trial.run_id is None:
                self.lost.add(number)
            self.failed_in_a_row += 1
            if self.failed_in_a_row == MAX_FAILED:
                raise InputError(
                    f"{MAX_FAILED} trials in a row failed: fix the causes above; the same command "
                    "resumes the search."
                )
            return []
        self.failed_in_a_row = 0
        known = self.trials()
        [trial] = [one for one in known if one.number == number]
        facts = [spec.name, params_text(trial.params)]
        if trial.state == State.PRUNED:
            facts.append(f"pruned after epoch {max(trial.accuracies)}")
        elif trial.value is not None:
            facts.append(f"validation accuracy {trial.value:.4f}")
        if trial.seconds is not None:
            facts.append(formatting.duration(trial.seconds))
        winner = trials.best(known)
        if winner is not None and winner.number != trial.number:
            facts.append(f"best {winner.value:.4f} (trial {winner.number})")
        elif winner is not None:
            facts.append("the best so far")
        return facts

    def progress(self) -> table.Progress:
        """Return how many trials have ended, and how many are left."""
        known = self.trials()
        seconds = [one.seconds for one in known if one.seconds is not None]
        left, by_level = [""] * self.left(known), {"": seconds} if seconds else {}
        return table.Progress(self._ended(known), self.search.trials, left, by_level)

    def unfinished(self) -> list[str]:
        """Return the trials that were interrupted in this start."""
        return [f"trial {number}" for number in sorted(self.interrupted)]

    def winner(self) -> Trial:
        """Return the best trial; raise InputError if none was trained to its end."""
        found = trials.best(self.counted())
        if found is None:
            raise InputError(
                f"No trial of the {self.title} was trained to its end, so there is no best one: "
                "raise trials, or set pruner: none."
            )
        return found

    def summary(self) -> table.Summary:
        """Return the best trials as a table, and the best of them as tags and a metric."""
        assert self.record is not None
        views.offer_runs(self.record.parent.client, self.record.parent.experiment_id)
        found, search = self.counted(), self.search
        tags: dict[str, str | None] = {
            run_tags.QUESTION: search.question,
            "experiment": search.experiment,
            "data_digest": run_spec.drawn(self.data, self.space.base.composed).digest,
            "trials": str(search.trials),
            "sampler": search.sampler,
            "pruner": search.pruner,
        }
        metrics = {}
        winner = trials.best(found)
        if winner is not None and winner.value is not None:
            tags[run_tags.BEST_TRIAL] = str(winner.number)
            tags[run_tags.BEST_OVERRIDES] = " ".join(words(winner.params))
            metrics[metric_names.BEST_VAL_ACCURACY] = winner.value
        rows = self.results(found)
        return table.Summary(tags, metrics, rows, self.note(rows))

    def results(self, found: Sequence[Trial]) -> table.Table:
        """Return the best trials."""
        keys = list(self.search.ranges)
        complete = [one for one in found if one.state == State.COMPLETE and one.value is not None]
        best = sorted(complete, key=lambda one: -(one.value or 0))
        rows = []
        for one in best[:ROWS]:
            values = [override.value(one.params[key]) for key in keys]
            seconds = "–" if one.seconds is None else f"{one.seconds:.0f}"
            rows.append([str(one.number), *values, f"{one.value:.4f}", seconds])
        names = [key.rpartition(".")[2] for key in keys]
        titles = ["trial", *names, "validation\naccuracy", "s of\ntraining"]
        pruned = sum(one.state == State.PRUNED for one in found)
        more = f"; {pruned} more pruned" if pruned else ""
        return table.Table(titles, rows, len(keys) + 1, f"The best trials{more}")

    def note(self, rows: table.Table) -> str:
        """Return the description of the search's run in Markdown."""
        search = self.search
        lines = [
            f"{search.question}\n",
            f"{formatting.count(search.trials, 'trial')} by {search.sampler}, pruned by "
            f"{search.pruner}, on {search.dataset}. Recipe: `{' '.join(self.space.common)}`. "
            "Space:\n",
            *(f"- `{key}`: {one}" for key, one in search.ranges.items()),
        ]
        if rows.rows:
            lines += ["", f"{rows.caption}:\n", rows.markdown()]
        if self.level is None:
            lines.append(
                f"\nTo resume or repeat it: `python -m src.search {self.name}`. To train its best: "
                f"`python -m src.train experiment={self.name}`."
            )
        return "\n".join(lines)
