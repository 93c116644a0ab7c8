"""The best trial of a search as a recipe: conf/experiment/NAME.yaml."""

import math
from datetime import date
from textwrap import wrap
from typing import Any, cast

import yaml
from omegaconf import OmegaConf

from src.config.compose import Composition
from src.config.schema import GROUPS, LUCK, NON_TRAINING_KEYS
from src.config.search_file import Search
from src.core.atomic_write import writing
from src.core.errors import InputError
from src.core.paths import CONF
from src.data.dataset import Dataset
from src.experiments import trials
from src.experiments.search import base
from src.experiments.trials import State, Trial
from src.tracking import environment

EXPERIMENTS = CONF / "experiment"
WIDTH = 98
# Keys that a recipe leaves to the user.
NOT_OF_A_RECIPE = (*GROUPS, *NON_TRAINING_KEYS, *LUCK)


def _mark(name: str) -> str:
    """Return the line by which a search recognizes its own file."""
    return f"# Written by `python -m src.search {name}`"


def refuse_foreign(name: str) -> None:
    """Raise InputError if the search's recipe would replace a file that it has not written."""
    path = EXPERIMENTS / f"{name}.yaml"
    if path.exists() and _mark(name) not in path.read_text():
        raise InputError(
            f"conf/experiment/{name}.yaml exists, and this search did not write it: rename the "
            f"search (conf/search/{name}.yaml), or move that file away."
        )


def write(
    name: str, search: Search, found: list[Trial], composition: Composition, data: Dataset
) -> None:
    """Write the configuration of the best of the trials found, one at least of which is complete,
    as a recipe, unless the file holds it already; raise InputError if another wrote that file.
    """
    refuse_foreign(name)
    path = EXPERIMENTS / f"{name}.yaml"
    body, result = _body(composition), _result(search, found)
    known = path.read_text() if path.exists() else ""
    if known.endswith(body) and result in " ".join(known.replace("\n#", "").split()):
        return
    with writing(path) as [aside]:
        aside.write_text(_head(name, search, result, data) + body)


def _result(search: Search, found: list[Trial]) -> str:
    """Return the result in one sentence."""
    winner = trials.best(found)
    assert winner is not None
    states = [trial.state for trial in found]
    pruned, failed = states.count(State.PRUNED), states.count(State.FAILED)
    parts = [f"{pruned} of them pruned"] * (pruned > 0) + [f"{failed} more failed"] * (failed > 0)
    others = f" ({', '.join(parts)})" if parts else ""
    return (
        f"Trial {winner.number} was the best of {states.count(State.COMPLETE) + pruned}{others}: "
        f"validation accuracy {winner.value:.5f} with seed {search.seed}."
    )


def _head(name: str, search: Search, result: str, data: Dataset) -> str:
    tags = environment.tags()
    commit = tags.get("git_commit", "unknown")[:7]
    changed = ", with changes" if tags.get("git_dirty") == "true" else ""
    searched = [f"{key}: {one}" for key, one in search.ranges.items()]
    texts = [
        search.question,
        f"{result} As the best of several, its accuracy is somewhat lucky; a study with other "
        "seeds measures its worth.",
        f"Searched by {search.sampler}, pruned by {search.pruner}, with {search.seed} as seed: "
        f"{'; '.join(searched)}. All else as in {' '.join(base(search))}.",
        f"Data: {data.name} ({data.digest[:12]}). Commit: {commit}{changed}.",
    ]
    lines = [line for one in texts for line in wrap(one, WIDTH - 2, break_on_hyphens=False)]
    mark = f"{_mark(name)} on {date.today().isoformat()}; a better one will replace it."
    use = f"  python -m src.train experiment={name}"
    return "\n".join(["# @package _global_", mark, *(f"# {line}" for line in [*lines, use]), ""])


def _body(composition: Composition) -> str:
    """Return the choices and values of a configuration that belong in a recipe."""
    composed, choices = composition
    values = cast(dict[str, Any], OmegaConf.to_container(composed))
    lines = ["defaults:", *(f"  - override /{group}: {choices[group]}" for group in GROUPS), ""]
    lines += [_line(key, value) for key, value in values.items() if key not in NOT_OF_A_RECIPE]
    for group in GROUPS:
        file = CONF / group / f"{choices[group]}.yaml"
        given = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(file)))
        changed = [pair for pair in values[group].items() if given.get(pair[0]) != pair[1]]
        lines += [f"{group}:"] * bool(changed) + [f"  {_line(*pair)}" for pair in changed]
    return "\n".join([*lines, ""])


def _line(key: str, value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True)
    return f"{key}: {text.strip().removesuffix('...').strip()}"
