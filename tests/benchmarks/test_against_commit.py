import re

import pytest

from benchmarks import against_commit, processes
from src.core.errors import InputError
from tests.support.commands import SMALL, git, make_project


@pytest.fixture
def repository(small_mnist, tmp_path, monkeypatch):
    """A repository with a commit; its params.yaml has changed since."""
    folder = make_project(tmp_path / "repository", small_mnist, processed=False)
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace("seed: 1\n", "seed: 7\n"))
    monkeypatch.setattr(processes, "ROOT", folder)
    return folder


def test_one_side_is_the_commit_and_the_other_has_the_uncommitted_changes(
    repository, tmp_path, monkeypatch
):
    sides = tmp_path / "before", tmp_path / "today"
    against_commit.extract("HEAD", sides[0])
    against_commit.copy(sides[1])
    before, today = ((side / "params.yaml").read_text() for side in sides)
    assert before == git(repository, "show", "HEAD:params.yaml") + "\n"
    assert today == (repository / "params.yaml").read_text() != before
    for name in ("src/train.py", "conf/config.yaml"):
        assert all((side / name).is_file() for side in sides)
    monkeypatch.setattr(processes, "run", lambda *_, **__: pytest.fail("something ran"))
    with pytest.raises(InputError, match=r"the code of abcdef7 .*: name a commit"):
        against_commit.main(["abcdef7"])


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_both_sides_train_and_the_table_has_their_ratio(capsys):
    against_commit.main(["HEAD", "--rounds", "1", "--overrides", *SMALL, "epochs=1"])
    printed = capsys.readouterr().out
    assert "HEAD: training, s" in printed
    row = r"^ *today: (training|whole command), s.* \d\.\d+ +≤ 1 (?:met|missed)"
    assert re.findall(row, printed, re.MULTILINE) == ["training", "whole command"]
