import pickle
import tempfile
import traceback
from pathlib import Path

import pytest

from src.experiments.executors import ray_worker
from src.runtime.errors import InputError


class StubbornError(Exception):
    """An error that cannot be unpickled."""

    def __init__(self, first, second):
        super().__init__(first)


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def test_an_error_travels_with_the_place_where_it_was_raised():
    sent = pickle.loads(pickle.dumps(ray_worker._portable(raised(ZeroDivisionError("a defect")))))
    assert isinstance(sent, ZeroDivisionError)
    assert "test_ray_worker.py" in "".join(traceback.format_exception(sent))
    refused = pickle.loads(pickle.dumps(ray_worker._portable(raised(InputError("as it must.")))))
    assert str(refused) == "as it must."


def test_an_error_that_cannot_travel_is_told_by_another():
    sent = pickle.loads(pickle.dumps(ray_worker._portable(raised(StubbornError("one", "two")))))
    assert str(sent) == "StubbornError: one"
    assert "test_ray_worker.py" in "".join(traceback.format_exception(sent))


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
