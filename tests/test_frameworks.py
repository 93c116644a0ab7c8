import atexit
import gc
import sys
import weakref

import pytest

from src import frameworks


@pytest.fixture
def not_loaded():
    """The state of a process that has not called `load` yet."""
    frameworks.load.cache_clear()
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_the_frameworks_are_imported_and_set_aside_and_the_collector_works_again(not_loaded):
    frameworks.load()
    assert {"tensorflow", "keras", "mlflow"} <= sys.modules.keys()
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()


def test_what_comes_after_the_first_load_is_left_to_the_collector(not_loaded):
    class Cycle:
        pass

    frameworks.load()
    one = Cycle()
    one.itself, gone = one, weakref.ref(one)
    del one
    frameworks.load()
    gc.collect()
    assert gone() is None


def test_a_process_that_ends_leaves_nothing_to_the_collector(not_loaded, monkeypatch):
    at_the_end = []
    monkeypatch.setattr(atexit, "register", at_the_end.append)
    frameworks.load()
    kept = [[] for _ in range(10_000)]
    for function in at_the_end:
        function()
    assert len(gc.get_objects()) < len(kept)


def test_a_failed_import_passes_and_the_collector_works_again(not_loaded, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError):
        frameworks.load()
    assert gc.isenabled()
