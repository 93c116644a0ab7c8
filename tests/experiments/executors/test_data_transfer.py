import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from src import fetch, preprocess
from src.core import paths
from src.core.errors import InputError
from src.experiments.executors import data_transfer

FILES = {"data/processed/dataset.json": b"{}", "data/raw/solution.csv": b"ImageId,Label\n1,7\n"}
DIGEST = data_transfer.digest(FILES)


def refuse():
    raise AssertionError("the files were asked for")


def test_data_is_fetched_by_one_process_and_found_by_its_digest(tmp_path):
    asked = []

    def files():
        asked.append(1)
        time.sleep(0.1)
        return FILES

    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: data_transfer.unpack(tmp_path, DIGEST, files), range(4)))
    assert asked == [1]
    [folder] = set(folders)
    assert folder == tmp_path / DIGEST[:12]
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    other = {**FILES, "data/raw/solution.csv": b"another"}
    assert data_transfer.unpack(tmp_path, data_transfer.digest(other), lambda: other) != folder


@pytest.mark.parametrize("damage", ["change", "delete"])
def test_a_folder_that_holds_other_data_is_refused_with_both_digests(tmp_path, damage):
    file = data_transfer.unpack(tmp_path, DIGEST, lambda: FILES) / "data/raw/solution.csv"
    if damage == "change":
        file.write_bytes(b"another")
    else:
        file.unlink()
    wanted = DIGEST[:12]
    with pytest.raises(InputError, match=rf"SHA-256 \w{{12}}… found, {wanted}… expected") as error:
        data_transfer.unpack(tmp_path, DIGEST, refuse)
    assert error.match("delete that folder there")


def test_a_runs_input_is_packed_after_verifying_it(small_project):
    fetch.main()
    preprocess.main()
    packed = data_transfer.pack()
    assert sorted(packed) == sorted(path.as_posix() for path in data_transfer.FILES)
    paths.SOLUTION_CSV.unlink()
    assert sorted(packed.keys() - data_transfer.pack().keys()) == ["data/raw/solution.csv"]
    paths.VALID.write_bytes(paths.TEST.read_bytes())
    with pytest.raises(InputError, match=r"valid\.npz"):
        data_transfer.pack()
