"""The project's commands as a user runs them: each in its own process and project folder."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from types import ModuleType

import pytest
import yaml
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Run

from src import fetch, preprocess
from src.core import errors, paths
from src.experiments import executors

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = "digit-recognizer"
SMALL = ("model=mlp", "model.units=[16]", "batch_size=4")


def small_name(activation: str = "swish", epochs: int = 5, seed: int = 1) -> str:
    """Return the name of a run with the overrides `SMALL`."""
    return f"{activation}-mlp-units=[16]-epochs={epochs}-batch_size=4-seed{seed}"


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without variables that would lead a command elsewhere."""
    ours = ("AWS_", "MLFLOW_", "DVC_", "GIT_", "HYDRA_", "TF_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, "COLUMNS": "120", "PYTHONDONTWRITEBYTECODE": "1", **more}


def begin(folder: Path, *words: str, **more: str) -> subprocess.Popen:
    """Start `python -m ...` in a project, with more environment variables if given."""
    command, pipes = [sys.executable, "-m", *words], {"stdout": PIPE, "stderr": PIPE}
    return subprocess.Popen(command, cwd=folder, env=environment(**more), text=True, **pipes)


def finish(process: subprocess.Popen) -> subprocess.CompletedProcess:
    """Return the output and the status of a process, once it has ended."""
    try:
        output, error = process.communicate(timeout=900)  # ten times what it takes
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, error)


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess:
    """Run `python -m ...` in a project to its end, as `begin` starts it."""
    return finish(begin(folder, *words, **more))


def run_here(command: ModuleType, *words: str) -> None:
    """Run a command, a module of src/, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [command.__name__.rpartition(".")[2], *words])
        errors.run(command.main)


def refusal(capsys: pytest.CaptureFixture, command: ModuleType, *words: str) -> str:
    """Run a command here, which must end with status 1 and a sentence; return that."""
    with pytest.raises(SystemExit) as ended:
        run_here(command, *words)
    assert ended.value.code == 1
    output = capsys.readouterr()
    assert output.out == ""
    [line] = output.err.splitlines()
    assert line.startswith("Error: ")
    assert line.endswith(".")
    return line


def git(folder: Path, *words: str) -> str:
    """Run git there; return its output."""
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost", *words]
    output = subprocess.check_output(command, cwd=folder, env=environment(), text=True)
    return output.strip()


def make_project(folder: Path, csvs: Path, *, processed: bool = True) -> Path:
    """Create a project, committed to git, whose fetch copies `csvs`; preprocess it if asked."""
    folder.mkdir(exist_ok=True)
    for name in ("src", "conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    params = yaml.safe_load((ROOT / paths.PARAMS).read_text())
    params["fetch"] |= {"source": "files", "layout": "any", "path": str(csvs)}
    params["mlflow"]["experiment"] = EXPERIMENT
    (folder / paths.PARAMS).write_text(yaml.safe_dump(params, sort_keys=False))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "A project")
    if processed:
        with contextlib.chdir(folder):
            fetch.main()
            preprocess.main()
    return folder


def files(folder: Path) -> set[str]:
    """Return every file and folder below, but for git's."""
    found = (path.relative_to(folder) for path in folder.rglob("*"))
    return {str(path) for path in found if path.parts[0] != ".git"}


def store(folder: Path) -> MlflowClient:
    """Return a client of the project's MLflow store."""
    return MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def runs(folder: Path) -> list[Run]:
    """Return every run of the project, the oldest first."""
    client = store(folder)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])


def artifacts(folder: Path, run_id: str) -> set[str]:
    """Return every file that a run keeps, as a path inside its artifacts."""
    root = folder / "mlruns" / run_id / "artifacts"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def sentence(done: subprocess.CompletedProcess) -> str:
    """Return the one sentence of a command that ends with an error."""
    assert done.returncode in (1, 2), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.endswith(".\n")
    return done.stderr.strip()


@dataclass
class Starts:
    """A command that is started several times in a project: the output of each start, and the runs
    that MLflow has after it, by the names of the starts.
    """

    project: Path
    words: tuple[str, ...]
    done: dict[str, subprocess.CompletedProcess] = field(default_factory=dict)
    recorded: dict[str, list[Run]] = field(default_factory=dict)

    def start(self, name: str, **more: str) -> None:
        """Run the command to its end, with more environment variables if given."""
        self.done[name] = run(self.project, *self.words, **more)
        self.recorded[name] = runs(self.project)

    def ends(self, name: str) -> dict[str, int]:
        """Return when each run ended that MLflow had after a start, by its id."""
        return {one.info.run_id: one.info.end_time for one in self.recorded[name]}


@dataclass(frozen=True)
class Trained:
    """A project with one finished training."""

    project: Path
    done: subprocess.CompletedProcess
    out: Path
    run: Run


TRAINED = (*SMALL, "activation=swish_beta", "epochs=5")


def train_once(csvs: Path, folder: Path) -> Trained:
    """Return a project where `python -m src.train` ran, which the processes of a session share."""
    printed = folder.with_suffix(".json")
    with FileLock(f"{folder}.lock"):
        if not printed.exists():
            done = run(make_project(folder, csvs), "src.train", *TRAINED)
            assert done.returncode == 0, done.stderr
            printed.write_text(json.dumps(vars(done)))
    done = subprocess.CompletedProcess(**json.loads(printed.read_text()))
    [out] = (path.parent for path in folder.glob("outputs/*/*/model.keras"))
    [only] = runs(folder)
    return Trained(folder, done, out, only)


def wait_for_epochs(process: subprocess.Popen, project: Path, count: int) -> None:
    """Wait until `count` runs of a study or a search have had an epoch, by their logs."""
    while process.poll() is None:
        logs = (path.read_text() for path in project.glob(f"multirun/*/*/*/{executors.LOG}"))
        if sum("· epoch" in text for text in logs) >= count:
            return
        time.sleep(0.2)
    raise AssertionError(process.communicate())
