import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

from src.core.errors import InputError
from src.experiments.executors import ray_worker

LOCK = """\
# a comment
keras==1.0 \\
    --hash=sha256:00
    # via nobody
no-such-package==2.0
psycopg[binary]==3.0 ; sys_platform == 'linux'
numpy==1.0
"""
PYTHON = ".".join(platform.python_version_tuple()[:2])


def test_the_installed_packages_of_a_lock_have_their_own_versions(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(LOCK)
    found = ray_worker.installed(lock)
    here = {"Python": PYTHON, "keras": version("keras"), "numpy": version("numpy")}
    assert here.items() <= found.items()
    assert "no-such-package" not in found
    assert ray_worker.difference(found) is None


def test_differences_are_named_with_both_versions_and_not_too_many_of_them():
    wanted = {"Python": "2.7", "numpy": "0.1", "keras": version("keras"), "absent": "1"}
    assert ray_worker.difference(wanted) == (
        f"Python {PYTHON} there, 2.7 here; numpy {version('numpy')} there, 0.1 here; "
        "absent is missing there, 1 here"
    )
    many = {f"absent{number}": "1" for number in range(5)}
    assert ray_worker.difference(many).endswith("absent2 is missing there, 1 here, and 2 more")


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
