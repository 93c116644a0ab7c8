import pytest

from src import fetch, preprocess
from src.experiments.executors import cargo
from src.runtime import paths
from src.runtime.errors import InputError

FILES = {"data/processed/dataset.json": b"{}", "data/raw/solution.csv": b"ImageId,Label\n1,7\n"}
LISTED = cargo.manifest(FILES)


def refuse():
    raise AssertionError("the files were asked for")


def test_the_data_is_written_once_and_found_again_by_its_digest(tmp_path):
    folder = cargo.unpack(tmp_path, LISTED, lambda: FILES)
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert cargo.unpack(tmp_path, LISTED, refuse) == folder
    assert [path.name for path in tmp_path.iterdir()] == [cargo.digest(LISTED)[:12]]


def test_other_data_has_a_folder_of_its_own(tmp_path):
    first = cargo.unpack(tmp_path, LISTED, lambda: FILES)
    other = {**FILES, "data/raw/solution.csv": b"another"}
    assert cargo.unpack(tmp_path, cargo.manifest(other), lambda: other) != first


@pytest.mark.parametrize("damage", ["change", "delete"])
def test_a_folder_that_holds_other_data_is_refused_with_both_digests(tmp_path, damage):
    file = cargo.unpack(tmp_path, LISTED, lambda: FILES) / "data/raw/solution.csv"
    if damage == "change":
        file.write_bytes(b"another")
    else:
        file.unlink()
    wanted = cargo.digest(LISTED)[:12]
    with pytest.raises(InputError, match=rf"SHA-256 \w{{12}}… found, {wanted}… expected") as told:
        cargo.unpack(tmp_path, LISTED, refuse)
    assert told.match("delete that folder there")


def test_a_process_that_comes_second_takes_what_the_first_has_written(tmp_path):
    def files():  # another process is faster meanwhile
        cargo.unpack(tmp_path, LISTED, lambda: FILES)
        return FILES

    folder = cargo.unpack(tmp_path, LISTED, files)
    assert list(tmp_path.iterdir()) == [folder]


def test_what_is_packed_is_what_a_run_reads_once_it_is_known_to_be_whole(small_project):
    fetch.main([])
    preprocess.main([])
    packed = cargo.pack()
    assert sorted(packed) == sorted(path.as_posix() for path in cargo.FILES)
    paths.SOLUTION_CSV.unlink()
    assert sorted(packed.keys() - cargo.pack().keys()) == ["data/raw/solution.csv"]
    paths.VALID.write_bytes(paths.TEST.read_bytes())
    with pytest.raises(InputError, match=r"valid\.npz"):
        cargo.pack()
