import sys

import keras
import pytest

from src.core import hardware
from src.tracking import environment
from tests.support.commands import ROOT, git


def test_the_tags_are_the_commit_the_versions_the_processor_and_the_command(monkeypatch):
    monkeypatch.chdir(ROOT)
    tags = environment.tags()
    assert tags["keras"] == keras.__version__
    assert tags["python"] == sys.version.split()[0]
    assert tags["command"].startswith("python")
    assert tags["processor"] == hardware.processor()
    assert environment.code_tags().items() <= tags.items()


@pytest.fixture
def commits(tmp_path):
    """A repository in the working directory, and its three commits: the second changes b.py."""
    git(tmp_path, "init", "-q")
    made = []
    for name, text in (("a.py", "1"), ("b.py", "2"), ("a.py", "3")):
        (tmp_path / "src").mkdir(exist_ok=True)
        (tmp_path / "src" / name).write_text(text)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", text)
        made.append(git(tmp_path, "rev-parse", "HEAD"))
    return made


@pytest.mark.parametrize(
    ("changed", "dirty"),
    [
        ("src/training/models.py", "true"),
        ("params.yaml", "true"),
        ("conf/config.yaml", "true"),
        ("conf/activation/swish.yaml", "true"),
        ("conf/activation/mine.yaml", "false"),  # another choice
        ("conf/study/mine.yaml", "false"),
        ("tests/test_mine.py", "false"),
    ],
)
def test_only_a_file_that_the_run_used_makes_it_one_with_uncommitted_changes(
    commits, tmp_path, monkeypatch, changed, dirty
):
    monkeypatch.chdir(tmp_path)
    choices = {"activation": "swish"}
    assert environment.code_tags(choices) == {"git_commit": commits[-1], "git_dirty": "false"}
    (tmp_path / changed).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / changed).write_text("new")
    assert environment.tags(choices=choices)["git_dirty"] == dirty


def test_a_files_commit_is_that_of_its_repository_and_has_it_or_not(commits, tmp_path, monkeypatch):
    a, b = tmp_path / "src" / "a.py", tmp_path / "src" / "b.py"
    assert environment.commit_of(a) == environment.commit_of(b) == (commits[-1], True)
    b.write_text("another")
    git(tmp_path, "add", "-A")
    assert environment.commit_of(b) == (commits[-1], False)
    (tmp_path / ".gitignore").write_text("new.py")
    new = tmp_path / "src" / "new.py"
    new.write_text("new")
    assert environment.commit_of(new) == (commits[-1], False)
    monkeypatch.setenv("PATH", "")
    assert environment.commit_of(a) == ("", False)


def test_a_file_outside_of_a_repository_or_in_one_without_commits_has_no_commit(tmp_path):
    file = tmp_path / "a.py"
    file.touch()
    assert environment.commit_of(file) == ("", False)
    git(tmp_path, "init", "-q")
    assert environment.commit_of(file) == ("", False)


def test_files_that_changed_between_two_commits_are_those_of_the_ones_asked_for(commits, tmp_path):
    first, second, third = commits
    a, b = tmp_path / "src" / "a.py", tmp_path / "src" / "b.py"
    assert environment.changed_files(first, third, [a, b]) == ["src/a.py", "src/b.py"]
    assert environment.changed_files(third, first, [a]) == ["src/a.py"]
    assert environment.changed_files(first, second, [a]) == []
    assert environment.changed_files(second, second, [a, b]) == []


@pytest.mark.parametrize("unknown", ["ab" * 20, "", "-h"])
def test_changes_are_unknown_for_unknown_commits_and_without_git(
    commits, tmp_path, monkeypatch, unknown
):
    files = [tmp_path / "src" / "a.py"]
    assert environment.changed_files(commits[0], unknown, files) is None
    assert environment.changed_files(unknown, commits[0], files) is None
    monkeypatch.setenv("PATH", "")
    assert environment.changed_files(commits[0], commits[2], files) is None
    assert "git_commit" not in environment.tags()


def test_outside_of_a_repository_there_is_no_commit():
    assert "git_commit" not in environment.tags()
