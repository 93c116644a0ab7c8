import numpy as np
import yaml

from benchmarks import data_stages
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
