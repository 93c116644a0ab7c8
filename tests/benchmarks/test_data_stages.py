import numpy as np
import pytest
import yaml

from benchmarks import data_stages, processes
from benchmarks.probes import MEGABYTES, SECONDS
from src.data import mirrors
from src.runtime import paths


@pytest.fixture
def mirror(project, sample, monkeypatch):
    """A folder with the sample as IDX files."""
    monkeypatch.setattr(mirrors, "download", lambda name: (sample, "sample"))
    folder = project / "mirror"
    folder.mkdir()
    data_stages.make_mirror(folder)
    return folder


def test_the_mirror_has_the_four_files_as_mnists_authors_wrote_them(mirror, sample):
    for name in mirrors.FILES:
        np.testing.assert_array_equal(mirrors.parse_idx((mirror / name).read_bytes()), sample[name])


def test_the_folder_that_the_users_fetch_reads_is_read_instead_of_a_download(
    project, sample, monkeypatch
):
    params = yaml.safe_load(paths.PARAMS.read_text())
    params["fetch"] |= {"source": "mnist", "path": "mine"}
    paths.PARAMS.write_text(yaml.safe_dump(params))
    asked = []
    monkeypatch.setattr(mirrors, "read_folder", lambda *given: asked.append(given) or sample)
    monkeypatch.delattr(mirrors, "download")

    data_stages.make_mirror(project)

    assert [(str(folder), name) for folder, name in asked] == [("mine", "mnist")]
    assert (project / mirrors.TEST_LABELS).is_file()


def test_a_project_fetches_from_the_mirror_and_keeps_the_other_values(project):
    folder = data_stages.make_project(project / "ours", project / "mirror")

    before, after = (
        yaml.safe_load((root / paths.PARAMS).read_text()) for root in (project, folder)
    )
    assert after["fetch"]["path"] == str(project / "mirror")
    assert after["fetch"]["layout"] == "kaggle"
    assert after | {"fetch": None} == before | {"fetch": None}


def test_a_command_runs_in_its_project_and_gives_seconds_and_memory(monkeypatch, tmp_path):
    def answer(*words, folder):
        assert words == ("-m", "benchmarks.probes", "memory", "src.fetch")
        assert folder == tmp_path
        return {SECONDS: 1.0, MEGABYTES: 2.0}

    monkeypatch.setattr(processes, "answer", answer)

    assert data_stages.usage(tmp_path, "src.fetch") == {SECONDS: 1.0, MEGABYTES: 2.0}


def test_the_goals_are_for_the_sum_of_both_stages_and_for_each_ones_memory():
    def used(*pairs):
        return [{SECONDS: seconds, MEGABYTES: megabytes} for seconds, megabytes in pairs]

    seconds, megabytes = data_stages.rows(
        {
            f"fetch: {data_stages.THEIRS}": used((8.0, 100.0), (6.0, 100.0)),
            f"fetch: {data_stages.OURS}": used((2.0, 200.0), (3.0, 210.0)),
            f"preprocess: {data_stages.THEIRS}": used((4.0, 700.0), (2.0, 700.0)),
            f"preprocess: {data_stages.OURS}": used((1.0, 400.0), (1.0, 1500.0)),
        }
    )

    ratios = {row.name: row.ratios for row in seconds}
    assert ratios[f"fetch: {data_stages.OURS}"] == [0.25, 0.5]
    assert ratios[f"both: {data_stages.OURS}"] == [0.25, 0.5]
    assert ratios[f"both: {data_stages.OURS}, to their preprocess"] == [0.75, 2.0]
    assert [row.name for row in seconds if row.goal] == [f"both: {data_stages.OURS}"]
    assert [(list(row.values), row.goal) for row in megabytes] == [
        ([100.0, 100.0], None),
        ([200.0, 210.0], data_stages.MEMORY),
        ([700.0, 700.0], None),
        ([400.0, 1500.0], data_stages.MEMORY),
    ]
