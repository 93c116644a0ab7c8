import os
import subprocess
import sys

import pandas as pd

from src.analysis import findings
from src.reporting import exhibits, page
from src.reporting.evidence import Evidence
from src.tracking import run_tags
from tests.support.commands import ROOT
from tests.support.simulated_runs import with_trainings


def test_a_folder_is_enough_to_write_its_report_again_byte_for_byte(
    short_runs, short, no_heavy_imports, tmp_path
):
    folder = tmp_path / "five"
    page.write(Evidence(short_runs, "ReLU"), short, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    (folder / page.PAGE).write_text("lost")
    done = subprocess.run(
        [sys.executable, "-m", "src.report", folder],
        env={**os.environ, "PYTHONPATH": f"{no_heavy_imports}{os.pathsep}{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == str(folder / page.PAGE)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_where_no_times_may_be_compared_the_page_says_why(short_runs):
    processors = {"ReLU": "Zen 5", "Swish": "Xeon"}

    def two_epochs(one, name):
        history = pd.concat([one.history, one.history.assign(epoch=2)], ignore_index=True)
        return {"tags": {**one.tags, run_tags.PROCESSOR: processors[name]}, "history": history}

    runs = with_trainings(short_runs, two_epochs)
    found = findings.compute(runs, "ReLU")
    assert {one.name for one in exhibits.of(found, None, runs.labels)}.isdisjoint({"epoch_time"})
    text = page.text(Evidence(runs, "ReLU"), found, {})
    assert "There is no ratio for Swish: the runs of one seed ran on" in text
    assert "only one epoch" not in text
