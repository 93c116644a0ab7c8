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
    folders = project, data_stages.make_project(project / "ours", mirror)
    before, after = (yaml.safe_load((one / paths.PARAMS).read_text()) for one in folders)
    assert after["fetch"]["path"] == str(mirror)
    assert after | {"fetch": None} == before | {"fetch": None}


def test_the_goals_are_for_the_sum_of_both_stages_and_for_the_memory_of_each():
    measured = {  # seconds and megabytes of two rounds
        ("fetch", data_stages.THEIRS): [(8.0, 100.0), (6.0, 100.0)],
        ("fetch", data_stages.OURS): [(2.0, 200.0), (3.0, 210.0)],
        ("preprocess", data_stages.THEIRS): [(4.0, 700.0), (2.0, 700.0)],
        ("preprocess", data_stages.OURS): [(1.0, 400.0), (1.0, 1500.0)],
    }
    seconds, megabytes = data_stages.rows(
        {
            f"{stage}: {side}": [{SECONDS: one, MEGABYTES: other} for one, other in pairs]
            for (stage, side), pairs in measured.items()
        }
    )
    ratios = {row.name: row.ratios for row in seconds}
    assert ratios[f"both: {data_stages.OURS}"] == [0.25, 0.5]
    assert ratios[f"both: {data_stages.OURS}, to their preprocess"] == [0.75, 2.0]
    assert [row.name for row in seconds if row.goal] == [f"both: {data_stages.OURS}"]
    assert [row.goal for row in megabytes] == [None, data_stages.MEMORY] * 2
