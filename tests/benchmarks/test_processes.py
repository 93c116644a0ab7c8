import json

import pytest

from benchmarks import processes
from src.core import paths
from src.core.checksum import sha256
from src.core.errors import InputError
from src.data import write_csv

CODE = """
import json, os, sys, time, benchmarks
time.sleep(0.1)
print("chatter")
found = {name: os.environ[name] for name in ("MLFLOW_TRACKING_URI", "WORD")}
print(json.dumps({**found, "folder": os.getcwd(), "path": sys.path}))
"""


def test_a_folder_with_our_data_has_its_parameters_and_its_images_and_vanishes(processed):
    before = sorted(processed.rglob("*"))
    with processes.project_with_our_data() as folder:
        for path in (paths.PARAMS, paths.TRAIN):
            assert (folder / path).read_bytes() == (processed / path).read_bytes()
    assert not folder.exists()
    assert sorted(processed.rglob("*")) == before
    write_csv.submission(paths.SOLUTION_CSV, None)
    facts = json.loads(paths.PROVENANCE.read_text())
    facts["files"][paths.SOLUTION_CSV.name] = sha256(paths.SOLUTION_CSV)
    paths.PROVENANCE.write_text(json.dumps(facts))
    with pytest.raises(InputError, match=r"labels of the held-out images are not known"):
        processes.project_with_our_data().__enter__()


def test_a_command_finds_our_code_and_stores_its_runs_in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///the_users.db")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    seconds, text = processes.run("-c", CODE, folder=tmp_path, environment={"WORD": "yes"})
    assert 0.1 < seconds < 60
    found = processes.last_line(text)
    assert any(path.endswith("elsewhere") for path in found.pop("path"))
    assert found == {"MLFLOW_TRACKING_URI": "", "WORD": "yes", "folder": str(tmp_path)}


def test_a_failed_command_passes_its_standard_error_on_and_names_its_status(capfd):
    with pytest.raises(InputError, match="failed with status 3"):
        processes.run("-c", "import sys; print('why', file=sys.stderr); sys.exit(3)")
    assert "why" in capfd.readouterr().err
