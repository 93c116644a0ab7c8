import json
import subprocess

import pytest
from rich.console import Console

from src import compare
from src.runtime.errors import InputError


def revision(rev, name=None, params=None, **metrics):
    """Return one of DVC's experiments as `dvc exp show --json` has it."""
    data = {"params": {"params.yaml": {"data": params or {}}}}
    data["metrics"] = {"predictions/metrics.json": {"data": metrics}}
    return {"rev": rev, "name": name, "data": data if metrics else {}}


def shown(*experiments):
    """Return what DVC lists: the workspace, and the experiments of a commit."""
    swish = {"activation": "swish", "epochs": 14, "fetch": {"seed": 1}}
    here = revision("workspace", None, swish, test_accuracy=0.99625, test_errors=105)
    below = [{"revs": [one]} for one in experiments]
    commit = {**revision("ab" * 20, "main"), "experiments": below}
    commit["data"] = {"params": {"params.yaml": {"data": swish}}}
    return [here, commit]


RELU = revision(
    "cd" * 20,
    "gamer-kite",
    {"activation": "relu", "epochs": 14, "fetch": {"seed": 1}},
    test_accuracy=0.9958,
    test_errors=1117,
)


@pytest.fixture(autouse=True)
def timed(monkeypatch):
    monkeypatch.setattr(compare, "_seconds", {"workspace": 70.6, "cd" * 20: 65.0}.get)


def lines(results):
    console = Console(width=80, highlight=False)
    with console.capture() as captured:
        console.print(compare.table(results))
    return captured.get().splitlines()


def test_each_experiment_is_a_row_with_what_differs_in_80_columns():
    text = lines(compare.of(shown(RELU)))
    assert max(map(len, text)) <= 80
    [here] = (line.split() for line in text if line.strip().startswith("here"))
    assert here == ["here", "activation=swish", "0.9962", "105", "–", "1", "min", "11", "s"]
    [relu] = (line for line in text if "gamer-kite" in line)
    assert "activation=relu" in relu
    assert "1,117" in relu
    assert "epochs" not in "".join(text)  # in which all agree


def test_what_differs_is_from_the_commit_too_which_has_no_row_without_results():
    commit = revision("ab" * 20, "main")
    commit["data"] = {"params": {"params.yaml": {"data": {"activation": "swish", "epochs": 14}}}}
    here = revision("workspace", None, {"activation": "relu", "epochs": 14}, test_accuracy=0.9)
    text = " ".join(lines(compare.of([here, commit])))
    assert "activation=relu" in text
    assert "main" not in text


@pytest.mark.parametrize(
    ("status", "out", "said"),
    [
        (0, json.dumps([revision("workspace")]), "There is no result to compare yet: run `make`"),
        (255, "", "DVC cannot list the experiments (you are not inside of a DVC repository)"),
    ],
)
def test_without_results_or_dvc_there_is_a_sentence(monkeypatch, status, out, said):
    done = subprocess.CompletedProcess([], status, out, "you are not inside of a DVC repository")
    monkeypatch.setattr(subprocess, "run", lambda *given, **more: done)
    with pytest.raises(InputError) as caught:
        compare.main([])
    assert str(caught.value).startswith(said)
