import os
import time

import pytest

from src.core import atomic_write, process
from src.core.atomic_write import writing


def test_outputs_appear_together_when_the_block_ends_and_nothing_else_stays(tmp_path):
    one, two = tmp_path / "a" / "one.txt", tmp_path / "b" / "two.txt"
    with writing(one, two) as (first, second):
        assert (first.name, second.name) == ("one.txt", "two.txt")
        first.write_text("1")
        second.write_text("2")
        assert not one.exists()
        assert not two.exists()
    assert (one.read_text(), two.read_text()) == ("1", "2")
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["one.txt", "two.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_files_and_nothing_else(tmp_path, error):
    path = tmp_path / "one.txt"
    path.write_text("old")
    with pytest.raises(error), writing(path, tmp_path / "two.txt") as (first, _):  # noqa: PT012
        first.write_text("new")
        raise error
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["one.txt"]


def test_a_folder_that_cannot_be_created_changes_nothing(tmp_path):
    (tmp_path / "file").touch()
    old = tmp_path / "old.txt"
    old.write_text("old")
    with pytest.raises(OSError, match="file"), writing(old, tmp_path / "file" / "new.txt"):
        pytest.fail("the block must not run")
    assert old.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "old.txt"]


def test_leftovers_of_a_killed_process_are_removed_by_the_next_that_writes_there(tmp_path):
    pid, started, machine = process.identity().split("-", 2)
    gone = f"{atomic_write.PREFIX}{pid}-{int(started) - 1}-{machine}-abc"
    target, litter = tmp_path / "one.txt", tmp_path / "figures" / gone
    for folder in (tmp_path / gone, litter):
        (folder / "inside").mkdir(parents=True)
    with writing(target) as (new,):
        new.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "one.txt"]
    assert litter.exists()
    atomic_write.remove_litter(tmp_path, below=True)
    assert list((tmp_path / "figures").iterdir()) == []
    atomic_write.remove_litter(tmp_path / "unknown", below=True)


def test_what_another_process_is_writing_now_stays(tmp_path):
    with writing(tmp_path / "one.txt") as (one,):
        one.write_text("1")
        with writing(tmp_path / "two.txt") as (two,):
            two.write_text("2")
        assert one.exists()


@pytest.mark.parametrize(("age", "stays"), [(0, True), (atomic_write.FOREIGN_SECONDS + 9, False)])
@pytest.mark.parametrize("name", ["1-2-elsewhere-abc", "abc", "1-x-y-z"])
def test_leftovers_of_another_machine_are_removed_after_a_day(tmp_path, name, age, stays):
    litter = tmp_path / f"{atomic_write.PREFIX}{name}"
    litter.mkdir()
    then = time.time() - age
    os.utime(litter, (then, then))
    atomic_write.remove_litter(tmp_path)
    assert litter.exists() == stays
