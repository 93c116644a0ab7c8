import tempfile
from pathlib import Path

import pytest

from src.core.errors import InputError
from src.experiments.executors import ray_worker


def test_the_folder_of_the_runs_is_this_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = ray_worker.home()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert ray_worker.home() == folder
    folder.rmdir()
    folder.symlink_to(Path("/"))
    with pytest.raises(InputError, match="not this user's own folder"):
        ray_worker.home()
