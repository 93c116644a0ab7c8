import errno
import gzip
import os

import pytest

from src.data import csv_files
from tests.support.contents import contents
from tests.support.kaggle_stand_in import archive
from tests.support.refusal import refusal

FILES = {
    "train.csv": b"label,pixel0\n7,0\n" * 99,
    "test.csv": b"pixel0\n0\n",
    "sample_submission.csv": b"ImageId,Label\n1,0\n",
    "solution.csv": b"ImageId,Label\n1,3\n",
}
REQUIRED_ALONE = {name: FILES[name] for name in ("train.csv", "test.csv")}
PLACE = "set it in params.yaml to the folder, or the zip archive, with train.csv and test.csv."
NEEDS = "fetch needs train.csv and test.csv in Kaggle's layout there."


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with a folder for the copies."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "aside").mkdir()
    (tmp_path / "given").mkdir()
    return tmp_path


def take(here, place):
    targets = [here / "aside" / name for name in FILES]
    found = csv_files.take(here.joinpath(place).relative_to(here), targets)
    copied = {path.name: path.read_bytes() for path in (here / "aside").iterdir()}
    return {name: str(path) for name, path in found.items()}, copied


def refused(here, place):
    """Return the sentence, after checking that nothing of what was given has changed."""
    before = contents(here / "given")
    said = refusal(take, here, place)
    assert contents(here / "given") == before
    return said


def put(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("files", [FILES, REQUIRED_ALONE])
def test_a_folders_files_are_copied(here, files):
    put(here / "given", files)
    assert take(here, "given") == ({name: f"given/{name}" for name in files}, files)


@pytest.mark.parametrize("files", [FILES, REQUIRED_ALONE])
@pytest.mark.parametrize("inside", ["", "a/b/", "./"])
def test_an_archives_files_are_unpacked_from_one_folder_of_it(here, files, inside):
    packed = {f"{inside}{name}": content for name, content in files.items()}
    noise = {"__MACOSX/._train.csv": b"x", "elsewhere/solution.csv": b"not this one"}
    put(here, {"d.zip": archive(packed | noise)})
    origins = {name: f"d.zip/{inside.removeprefix('./')}{name}" for name in files}
    assert take(here, "d.zip") == (origins, files)


def test_a_path_that_is_neither_folder_nor_archive_is_refused(here):
    put(here, FILES)
    said = f"fetch.path=train.csv is neither a folder nor a zip archive: {PLACE}"
    assert refused(here, "train.csv") == said
    assert refused(here, "nowhere") == f"fetch.path=nowhere does not exist: {PLACE}"


@pytest.mark.parametrize(("name", "inside"), [("train.csv", ""), ("test.csv", "in/")])
def test_a_missing_file_is_named(here, name, inside):
    files = {other: content for other, content in FILES.items() if other != name}
    put(here / "given", files)
    put(here, {"d.zip": archive({f"in/{one}": body for one, body in files.items()})})
    assert refused(here, "given") == f"given/{name} is missing: {NEEDS}"
    assert refused(here, "d.zip") == f"d.zip has no {inside}{name}: {NEEDS}"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("suffix", ["zip", "gz"])
def test_a_packed_file_in_its_place_is_named(here, name, suffix):
    content = FILES[name]
    packed = archive({name: content}) if suffix == "zip" else gzip.compress(content)
    put(here / "given", FILES | {f"{name}.{suffix}": packed})
    (here / "given" / name).unlink()
    assert refused(here, "given") == (
        f"given/{name} is missing, but given/{name}.{suffix} is there: unpack it there, then fetch "
        "again (python -m src.fetch)."
    )


def test_kaggles_archive_in_the_folder_is_named(here):
    put(here / "given", {"digit-recognizer.zip": archive(FILES)})
    assert refused(here, "given") == (
        "given/train.csv is missing, but given/digit-recognizer.zip is there: if that holds "
        "train.csv and test.csv, set fetch.path in params.yaml to it."
    )


def test_two_of_the_same_name_in_an_archive_are_refused(here):
    put(here, {"d.zip": archive(dict.fromkeys(("a/train.csv", "b/train.csv", "a/test.csv"), b""))})
    assert refused(here, "d.zip") == (
        "d.zip holds 2 files train.csv, in a and b, 1 expected: unpack it, and set fetch.path in "
        "params.yaml to the right folder."
    )


def cut(content):
    return content[: len(content) // 2]


def corrupt(content):
    start = content.index(b"train.csv") + 20
    return content[:start] + b"\xff\0\xff" + content[start + 3 :]


@pytest.mark.parametrize(
    ("harm", "reason"),
    [(cut, "File is not a zip file"), (corrupt, "Error -3 while decompressing data: invalid ")],
)
def test_a_damaged_archive_is_one_sentence(here, harm, reason):
    put(here, {"d.zip": harm(archive(FILES))})
    said = refused(here, "d.zip")
    assert said.startswith(f"d.zip cannot be read ({reason}")
    assert said.endswith("), expected a zip archive: download or copy it again.")


def test_a_full_disk_while_unpacking_is_the_disks_own_error(here, monkeypatch):
    put(here, {"d.zip": archive(FILES)})

    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target.name)

    monkeypatch.setattr(csv_files, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        take(here, "d.zip")
