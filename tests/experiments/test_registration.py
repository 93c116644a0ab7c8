import yaml

from src.config import study_file
from src.core.checksum import sha256
from src.experiments import registration
from tests.support.commands import git
from tests.support.recipes import STUDY


def test_a_files_tags_are_its_sha_and_its_commit_and_whether_that_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr(study_file, "STUDIES", tmp_path)
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(STUDY))
    names = {"registered.sha256", "registered.time"}
    assert registration.of_file("mine").keys() == names
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "A study")
    committed = registration.of_file("mine")
    assert committed["registered.git_commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert committed["registered.git_dirty"] == "false"
    file.write_text(yaml.safe_dump(STUDY | {"seeds": [1, 2]}))
    changed = registration.of_file("mine")
    assert changed["registered.git_dirty"] == "true"
    assert changed["registered.sha256"] == sha256(file) != committed["registered.sha256"]
