import pytest

from src.runtime.atomic_write import writing


def test_outputs_appear_together_when_the_block_ends(tmp_path):
    one, two = tmp_path / "a" / "one.txt", tmp_path / "b" / "two.txt"
    with writing(one, two) as (first, second):
        first.write_text("1")
        second.write_text("2")
        assert not one.exists()
        assert not two.exists()
    assert (one.read_text(), two.read_text()) == ("1", "2")


def test_a_stand_in_has_its_targets_name(tmp_path):
    with writing(tmp_path / "array.npz") as (aside,):
        assert aside.name == "array.npz"
        aside.touch()


def test_a_failing_block_leaves_the_old_files_and_nothing_else(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("old")

    def fail():
        with writing(path, tmp_path / "two.txt") as (first, _):
            first.write_text("new")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail()
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["one.txt"]


def test_ctrl_c_leaves_the_old_files_and_nothing_else(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("old")

    def interrupted():
        with writing(path) as (aside,):
            aside.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["one.txt"]


def test_no_hidden_folder_is_left_behind(tmp_path):
    with writing(tmp_path / "one.txt") as (aside,):
        aside.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["one.txt"]


def test_a_folder_that_cannot_be_made_changes_nothing(tmp_path):
    (tmp_path / "file").touch()
    old = tmp_path / "old.txt"
    old.write_text("old")

    def fail():
        with writing(old, tmp_path / "file" / "new.txt"):
            pytest.fail("the block must not run")

    with pytest.raises(OSError, match="file"):
        fail()
    assert old.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "old.txt"]
