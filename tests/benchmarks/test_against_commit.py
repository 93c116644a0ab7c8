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


def test_one_side_is_the_commit_and_the_other_has_the_uncommitted_changes(repository, tmp_path):
    against_commit.extract("HEAD", tmp_path / "before")
    against_commit.copy(tmp_path / "today")
    before, today = ((tmp_path / side / "params.yaml").read_text() for side in ("before", "today"))
    assert before == git(repository, "show", "HEAD:params.yaml") + "\n"
    assert today == (repository / "params.yaml").read_text() != before
    for side in ("before", "today"):
        assert (tmp_path / side / "src" / "train.py").is_file()
        assert (tmp_path / side / "conf" / "config.yaml").is_file()


@pytest.mark.usefixtures("repository")
def test_an_unknown_commit_is_refused_before_anything_runs(monkeypatch):
    monkeypatch.setattr(processes, "run", lambda *_, **__: pytest.fail("something ran"))
    with pytest.raises(InputError, match=r"the code of abcdef7 .*: name a commit"):
        against_commit.main(["abcdef7"])


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_both_sides_train_and_the_table_has_their_ratio(capsys):
    against_commit.main(["HEAD", "--rounds", "1", "--overrides", *SMALL, "epochs=1"])
    printed = capsys.readouterr().out
    for row in ("HEAD: training, s", "today: training, s", "today: whole command, s"):
        assert row in printed
    ratios = re.findall(r"^ *today: .* (\d\.\d+) +≤ 1 (?:met|missed)", printed, re.MULTILINE)
    assert len(ratios) == 2
