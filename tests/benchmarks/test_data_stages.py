import numpy as np
import yaml

from benchmarks import data_stages
from benchmarks.probes import MEGABYTES, SECONDS
from src.core import paths
from src.data import mirrors


def test_both_sides_read_one_mirror_and_ours_keeps_its_other_parameters(
    project, sample, monkeypatch
):
    monkeypatch.setattr(mirrors, "download", lambda name: (sample, "sample"))
    mirror = project / "mirror"
    mirror.mkdir()
    data_stages.make_mirror(mirror)
    for name in mirrors.FILES:
        np.testing.assert_array_equal(mirrors.parse_idx((mirror / name).read_bytes()), sample[name])
    folder = data_stages.make_project(project / "ours", mirror)
    before, after = (
        yaml.safe_load((root / paths.PARAMS).read_text()) for root in (project, folder)
    )
    assert after["fetch"]["path"] == str(mirror)
    assert after | {"fetch": None} == before | {"fetch": None}


def test_the_goals_are_for_the_sum_of_both_stages_and_for_the_memory_of_each():
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
    assert ratios[f"both: {data_stages.OURS}"] == [0.25, 0.5]
    assert ratios[f"both: {data_stages.OURS}, to their preprocess"] == [0.75, 2.0]
    assert [row.name for row in seconds if row.goal] == [f"both: {data_stages.OURS}"]
    goals = [row.goal for row in megabytes]
    assert goals == [None, data_stages.MEMORY, None, data_stages.MEMORY]
