import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.errors import InputError
from src.training import checkpoint


def example():
    return checkpoint.State(
        run_id="0f" * 16,
        folder="outputs/a-day/a-run",
        history=[{"epoch": 1.0, "loss": 0.1 + 0.2}, {"epoch": 2.0, "loss": float("nan")}],
        plateaus=[{"best": 0.5, "wait": 1.0, "cooldown_counter": 0.0}],
        best=[np.arange(3.0, dtype=np.float32)],
        # More than ten, so that names in alphabetical order would come back in another one.
        current=[np.full((2,), number, np.int64) for number in range(12)],
    )


@pytest.fixture(scope="module")
def packed():
    """The bytes of a checkpoint."""
    return checkpoint._pack(example())


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_saved_state_comes_back_whole(tmp_path):
    checkpoint.save(tmp_path / "state", example())
    found, given = checkpoint.load(tmp_path / "state"), example()
    np.testing.assert_equal(vars(found), vars(given))
    for name in checkpoint.ARRAYS:
        dtypes = [[one.dtype for one in getattr(state, name)] for state in (found, given)]
        assert dtypes[0] == dtypes[1]


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK\x05\x06" + bytes(18), "half", "folder"]
)
def test_a_damaged_state_is_a_new_training_and_one_line(tmp_path, capsys, content):
    file = tmp_path / "state"
    if content == "half":
        checkpoint.save(file, example())
        file.write_bytes(file.read_bytes()[:-200])
    elif content == "folder":
        file.mkdir()
    else:
        file.write_bytes(content)
    assert checkpoint.load(file) == checkpoint.State()
    assert_says(capsys, file, "Training starts again at epoch 1, in a new run.")


def assert_says(capsys, file, what):
    damage, said = capsys.readouterr().out.splitlines()
    assert damage.startswith(f"The checkpoint {file} is damaged (")
    assert said == what


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), other=st.binary())
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_or_other_bytes_are_refused_before_they_are_parsed(packed, place, bit, other):
    flipped = bytearray(packed)
    flipped[int(place * len(flipped))] ^= 1 << bit
    for content in (bytes(flipped), other):
        with pytest.raises(ValueError, match="checksum"):
            checkpoint._unpack(content)


def test_training_resumes_from_the_previous_state_if_the_last_is_damaged(tmp_path, capsys):
    file = tmp_path / "state"
    checkpoint.save(file, example())
    later = example()
    later.history.append({"epoch": 3.0, "loss": 0.25})
    checkpoint.save(file, later)
    assert len(checkpoint.load(file).history) == 3
    file.write_bytes(file.read_bytes()[:-1])
    found = checkpoint.load(file)
    assert (len(found.history), found.run_id) == (2, example().run_id)
    assert_says(capsys, file, "Training resumes after epoch 2.")


def test_opening_gives_the_state_that_was_kept_until_it_is_deleted(tmp_path):
    folder = tmp_path / "checkpoints" / "abc"
    with checkpoint.opened(folder) as (file, state):
        assert state == checkpoint.State()
        checkpoint.save(file, example())
    with checkpoint.opened(folder) as (file, state):
        assert state.run_id == example().run_id
        checkpoint.delete(file)
    assert not folder.exists()
    with checkpoint.opened(folder) as (_, state):
        assert state == checkpoint.State()


def test_the_previous_state_is_deleted_first_so_that_a_kill_cannot_revive_it(tmp_path, monkeypatch):
    file = tmp_path / "abc" / "state"
    for _ in range(2):
        checkpoint.save(file, example())
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.shutil, "rmtree", interrupt)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.delete(file)
    assert [path.name for path in file.parent.iterdir()] == ["state"]


def test_a_finished_run_forgets_its_own_checkpoint_and_no_other(tmp_path):
    folder = tmp_path / "abc"
    checkpoint.save(folder / "state", example())
    checkpoint.forget(folder, "another run")
    assert folder.exists()
    with checkpoint.opened(folder):  # as another process would have it
        checkpoint.forget(folder, example().run_id)
    assert folder.exists()
    checkpoint.forget(folder, example().run_id)
    assert not folder.exists()
    folder.mkdir()  # all that is left where a process was killed while it deleted
    checkpoint.forget(folder, example().run_id)
    assert not folder.exists()


def test_a_training_that_another_process_has_open_is_refused_until_that_ends(tmp_path):
    folder = tmp_path / "abc"
    script = (
        f"import filelock\nwith filelock.FileLock({str(folder) + '.lock'!r}):\n"
        "    print('open', flush=True)\n    input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "open\n"
    with pytest.raises(InputError, match="running in another process"), checkpoint.opened(folder):
        pytest.fail("the block must not run")
    other.communicate("\n")
    with checkpoint.opened(folder) as (_, state):
        assert state == checkpoint.State()
