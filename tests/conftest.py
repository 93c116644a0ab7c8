"""Fixtures: a project folder for a test, and a small sample of real MNIST.

tests/support/mnist_sample holds MNIST's first 600 training and 200 test images as gzipped IDX
files.
"""

import gzip
import logging
import os
import random
import shutil
import signal
import sys
from pathlib import Path
from unittest.mock import patch

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from src.analysis import findings
from src.core import paths
from src.data import mirrors, write_csv
from src.tracking import artifacts, store  # noqa: F401 - they set environment variables, for good
from tests.support import drill
from tests.support.commands import train_once
from tests.support.params import set_params
from tests.support.simulated_runs import comparable

# A shell's background job ignores Ctrl-C, and so would the commands that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tests" / "support" / "mnist_sample"


def pytest_addoption(parser):
    parser.addoption("--study", help="a study of this project's store, for the browser's tests")
    parser.addoption("--screenshots", type=Path, help="a folder for pictures of these tests")
    parser.addoption("--drill", action="store_true", help="kill every command at many steps")
    parser.addoption("--cluster", action="store_true", help="tests/cluster too: real servers")
    order = "random order, by this seed if it has one"
    parser.addoption("--shuffle", type=int, nargs="?", const=-1, help=order)


def pytest_configure(config):
    """Draw the seed of a random order, once for all workers of xdist."""
    config.stash[drill.RESULTS] = []
    config.option.shuffle = getattr(config, "workerinput", {}).get("shuffle", config.option.shuffle)
    if config.option.shuffle == -1:
        config.option.shuffle = random.SystemRandom().randrange(10**6)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Pass the seed on to a worker, which reads the command line again."""
    node.workerinput["shuffle"] = node.config.option.shuffle


def pytest_report_header(config):
    seed = config.option.shuffle
    return None if seed is None else f"random order: --shuffle={seed}"


@pytest.hookimpl(tryfirst=True)  # pytest then brings the tests of a fixture's parameter together
def pytest_collection_modifyitems(config, items):
    """Shuffle the files, and the tests of each."""
    if config.option.shuffle is not None:
        chance = random.Random(config.option.shuffle)
        ranks = {path: chance.random() for path in dict.fromkeys(item.path for item in items)}
        items.sort(key=lambda item: (ranks[item.path], chance.random()))


def pytest_ignore_collect(collection_path, config):
    """Leave out tests/cluster, whose servers and packages nothing else needs."""
    is_cluster = collection_path == ROOT / "tests" / "cluster"
    return True if is_cluster and not config.getoption("--cluster") else None


def pytest_terminal_summary(terminalreporter):
    if terminalreporter.config.getoption("--drill"):
        terminalreporter.section("Drill")
        for line in drill.table(terminalreporter.config.stash[drill.RESULTS]):
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def clean_state():
    """Start each test with the same seeds and without a store or a project in the environment, and
    reset whatever else it may leave to the next one of its process: Keras's dtype policy and names,
    MLflow's store and run, Hydra's configuration, the environment, the working directory, signal
    handlers and the level of the log.
    """
    folder, level = Path.cwd(), logging.root.level
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    _reset_libraries()
    with patch.dict(os.environ):
        # MLflow sets its own, which a fixture of a session would leave.
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "DVC_ROOT"):
            os.environ.pop(name, None)
        yield
    _reset_libraries()
    os.chdir(folder)
    logging.root.setLevel(level)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _reset_libraries():
    """Reset the libraries that have been imported, and import none: TensorFlow takes seconds."""
    random.seed(0)
    np.random.seed(0)
    # Not by end_run(), which would write to a store that is gone.
    mlflow.tracking.fluent._active_run_stack.set([])
    mlflow.tracking.fluent._active_experiment_id = None
    mlflow.set_tracking_uri(None)
    if hydra := sys.modules.get("hydra.core.global_hydra"):
        hydra.GlobalHydra.instance().clear()
    if config := sys.modules.get("hydra.core.hydra_config"):
        config.HydraConfig.instance().cfg = None
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
    if keras := sys.modules.get("keras"):
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(0)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project with a copy of params.yaml, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / paths.PARAMS, tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def sample():
    """The sample's four arrays, by the names of the original files."""
    packed = {name: (SAMPLE / f"{name}.gz").read_bytes() for name in mirrors.FILES}
    return {name: mirrors.parse_idx(gzip.decompress(body)) for name, body in packed.items()}


@pytest.fixture(scope="session")
def small_mnist(sample, tmp_path_factory):
    """A folder with the sample as train, test, sample_submission and solution.csv."""
    folder = tmp_path_factory.mktemp("small_mnist")
    images, labels, test_images, solution = (sample[name] for name in mirrors.FILES)
    write_csv.images(folder / paths.TRAIN_CSV.name, images, labels)
    write_csv.images(folder / paths.TEST_CSV.name, test_images)
    zeros = np.zeros(len(solution), np.uint8)
    write_csv.submission(folder / paths.SAMPLE_SUBMISSION_CSV.name, zeros)
    write_csv.submission(folder / paths.SOLUTION_CSV.name, solution)
    return folder


@pytest.fixture(scope="session")
def trained(small_mnist, tmp_path_factory):
    """A `Trained` project for all tests of a session, which leave it as it is."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # by all workers
    return train_once(small_mnist, shared / "trained")


@pytest.fixture
def with_trained_store(project, trained):
    """A project without data, whose store is a copy of that of `trained`."""
    shutil.copy(trained.project / "mlflow.db", project)
    return project


@pytest.fixture
def small_project(project, small_mnist):
    """A project whose fetch copies the sample."""
    set_params("fetch", source="files", layout="any", path=str(small_mnist))
    return project


@pytest.fixture(scope="session")
def no_heavy_imports(tmp_path_factory):
    """A folder for PYTHONPATH, where TensorFlow, Keras and MLflow cannot be imported."""
    folder = tmp_path_factory.mktemp("light")
    for name in ("tensorflow", "keras", "mlflow"):
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name} was imported')")
    return str(folder)


@pytest.fixture(scope="session")
def five_runs():
    """A `RunSet` of simulated trainings of five activations, with four seeds each."""
    return comparable()


@pytest.fixture(scope="session")
def five(five_runs):
    """Their `Findings`, compared with ReLU."""
    return findings.compute(five_runs, "ReLU")


@pytest.fixture(scope="session")
def short_runs():
    """Simulated trainings of two activations, with two seeds each and a single epoch."""
    return comparable(("relu", "swish"), (1, 2), images=60, epochs=1)


@pytest.fixture(scope="session")
def short(short_runs):
    """Their findings, compared with ReLU: nothing of time, and 99% is never reached."""
    return findings.compute(short_runs, "ReLU")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """MLflow's database without runs, to be copied: making its tables takes seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments(max_results=1)
    return path
