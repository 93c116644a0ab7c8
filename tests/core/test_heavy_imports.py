import atexit
import gc
import subprocess
import sys
import weakref
from unittest.mock import Mock

import pytest

from src.core import heavy_imports
from tests.support.commands import ROOT


@pytest.fixture
def not_loaded():
    """The state of a process that has not called `load` yet."""
    heavy_imports.load.cache_clear()
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_the_frameworks_are_imported_and_set_aside_and_the_collector_works_again(not_loaded):
    heavy_imports.load()
    assert {"tensorflow", "keras", "mlflow"} <= sys.modules.keys()
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()


def test_what_comes_after_the_first_load_is_left_to_the_collector(not_loaded):
    heavy_imports.load()
    one = Mock()
    one.itself, gone = one, weakref.ref(one)
    del one
    heavy_imports.load()
    gc.collect()
    assert gone() is None


def test_a_process_that_ends_leaves_nothing_to_the_collector(not_loaded, monkeypatch):
    at_the_end = []
    monkeypatch.setattr(atexit, "register", at_the_end.append)
    heavy_imports.load()
    kept = [[] for _ in range(10_000)]
    for function in at_the_end:
        function()
    assert len(gc.get_objects()) < len(kept)


def test_a_failed_import_passes_and_the_collector_works_again(not_loaded, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError):
        heavy_imports.load()
    assert gc.isenabled()


def test_without_mlflow_on_request_and_without_keras_wrappers_which_can_be_imported_later():
    code = (
        "import sys; from src.core import heavy_imports; heavy_imports.load(mlflow=False); "
        "print(*{'keras', 'mlflow', *heavy_imports.NOT_FOR_KERAS} & sys.modules.keys()); "
        "import matplotlib.pyplot, sklearn.metrics; print('there')"
    )
    found = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert found.split() == ["keras", "there"]
