"""Checkpoints in a bucket of a real S3 server, with the promises of docs/reliability.md."""

import json
import os
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from src.runtime import checkpoint_place, object_lock, object_store, process
from src.runtime.errors import InputError
from src.runtime.object_store import StoredObject
from src.training import checkpoint
from tests.support import s3_server
from tests.support.commands import ROOT, environment, make_project, run, runs

PLACE = "s3://kept/a-team/checkpoints"
DIGEST = "0123456789abcdef" * 4
ELSEWHERE = "77-1234-another-machine"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server.s3_server(tmp_path_factory.mktemp("s3")) as running:
        running.bucket("kept")
        yield running


@pytest.fixture
def folder(server, monkeypatch, request):
    """The URI of a checkpoint that no other test uses; the keys are set."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    object_store._client.cache_clear()
    yield f"{checkpoint_place.of(DIGEST, PLACE)}-{abs(hash(request.node.name))}"
    object_store._client.cache_clear()


def example(epochs=2):
    history = [{"epoch": epoch + 1.0, "loss": 1 / (epoch + 1)} for epoch in range(epochs)]
    return checkpoint.State("a-run", "outputs/a", history, current=[np.arange(5.0)])


def objects(folder):
    """Return the names of all objects of a checkpoint, its lock's too."""
    import boto3

    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    listed = boto3.session.Session().client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return sorted(one["Key"].removeprefix(prefix) for one in listed.get("Contents", []))


def test_a_state_comes_back_whole_and_is_gone_when_the_training_is_finished(folder):
    with checkpoint.opened(folder) as (file, state):
        assert state == checkpoint.State()
        checkpoint.save(file, example())
    with checkpoint.opened(folder) as (file, state):
        assert state.history == example().history
        np.testing.assert_array_equal(state.current[0], example().current[0])
        assert objects(folder) == [".lock", "/state"]
        checkpoint.save(file, example(3))
        assert objects(folder) == [".lock", "/state", "/state-before"]
        checkpoint.delete(file)
    assert objects(folder) == []


def test_a_damaged_state_is_told_and_never_takes_the_place_of_the_good_one(folder, capsys):
    with checkpoint.opened(folder) as (file, _):
        checkpoint.save(file, example(1))
        checkpoint.save(file, example(2))
        file.write_bytes(file.read_bytes()[:-1])
    with checkpoint.opened(folder) as (file, state):
        assert len(state.history) == 1
        damage, what = capsys.readouterr().out.splitlines()
        assert damage.startswith(f"The checkpoint {folder}/state is damaged (its ")
        assert what == "Training goes on after epoch 1."
        file.copy_to = lambda target: pytest.fail("the damaged state would be kept")
        checkpoint.save(file, example(2))
        assert len(checkpoint.load(file).history) == 2
        assert len(checkpoint.load(file.with_name("state-before")).history) == 1


def test_a_process_killed_between_the_two_steps_of_a_save_leaves_a_good_state(folder, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with checkpoint.opened(folder) as (file, _):
        checkpoint.save(file, example(1))
        with monkeypatch.context() as patch:
            patch.setattr(file, "write_bytes", killed)
            with pytest.raises(KeyboardInterrupt):
                checkpoint.save(file, example(2))
        assert len(checkpoint.load(file).history) == 1


def test_a_finished_run_forgets_its_own_checkpoint_and_no_other(folder):
    with checkpoint.opened(folder) as (file, _):
        checkpoint.save(file, example())
        checkpoint.save(file, example())
        checkpoint.forget(folder, "a-run")  # while it is open
        assert "/state" in objects(folder)
    checkpoint.forget(folder, "another-run")
    assert "/state" in objects(folder)
    checkpoint.forget(folder, "a-run")
    assert objects(folder) == []


def test_a_second_process_is_refused_and_a_killed_one_blocks_nobody(folder):
    script = (
        "from src.runtime import object_lock\n"
        f"with object_lock.held({folder + '.lock'!r}):\n"
        "    print('open', flush=True)\n    input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "open\n"
    refused = rf"running in another process \(process {other.pid} on "
    with pytest.raises(InputError, match=refused), checkpoint.opened(folder):
        pytest.fail("the block must not run")
    other.kill()
    other.wait()
    assert objects(folder) == [".lock"]
    with checkpoint.opened(folder) as (_, state):
        assert state == checkpoint.State()
    assert objects(folder) == []


def owned_elsewhere(folder, monkeypatch):
    """Take the lock as a process of another machine would, which gives no sign of life."""
    with monkeypatch.context() as patch:
        patch.setattr(process, "identity", lambda: ELSEWHERE)
        patch.setattr(object_lock, "BEAT_SECONDS", 3600)
        return object_lock.Lock(f"{folder}.lock")


def test_an_owner_on_another_machine_that_gives_signs_of_life_is_left_alone(
    folder, monkeypatch, capsys
):
    lock = owned_elsewhere(folder, monkeypatch)
    looks = iter([lambda: None, lock.renew])
    monkeypatch.setattr(object_lock.time, "sleep", lambda seconds: next(looks)())
    refused = r"in another process \(process 77 on another-machine, last heard of"
    with pytest.raises(InputError, match=refused), checkpoint.opened(folder):
        pytest.fail("the block must not run")
    assert capsys.readouterr().out.startswith(
        "Waiting to see if it is alive: process 77 on another-machine"
    )
    lock.release()
    assert objects(folder) == []


def test_one_that_has_been_silent_for_long_is_gone_and_ends_where_it_was_only_asleep(
    folder, monkeypatch
):
    asleep = owned_elsewhere(folder, monkeypatch)
    file = checkpoint.LockedObject(f"{folder}/state", asleep)
    checkpoint.save(file, example(1))
    monkeypatch.setattr(object_lock, "SILENT_SECONDS", 1)
    monkeypatch.setattr(object_lock, "WATCH_SECONDS", 0.5)
    with checkpoint.opened(folder) as (_, state):
        assert len(state.history) == 1
        with pytest.raises(InputError, match="Another process has taken this training over"):
            checkpoint.save(file, example(2))
        asleep.release()  # takes nobody else's away
        assert ".lock" in objects(folder)
        assert json.loads(StoredObject(f"{folder}.lock").read_bytes())["owner"] != ELSEWHERE


def test_signs_of_life_are_given_by_themselves(folder, monkeypatch):
    monkeypatch.setattr(object_lock, "BEAT_SECONDS", 0.05)
    with object_lock.held(f"{folder}.lock") as lock:
        before, last = lock.etag, time.monotonic() + 20
        while lock.etag == before:
            assert time.monotonic() < last
            time.sleep(0.05)


def test_of_many_that_come_at_once_one_has_the_lock(folder):
    script = (
        "from src.runtime import object_lock\n"
        "input()\n"
        "try:\n"
        f"    object_lock.Lock({folder + '.lock'!r})\n"
        "    print('mine', flush=True)\n"
        "except object_lock.TakenError:\n"
        "    print('taken', flush=True)\n"
        "input()"  # whoever has it lives until all have tried
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    all_of_them = [subprocess.Popen([sys.executable, "-c", script], **pipes) for _ in range(6)]
    for one in all_of_them:
        one.stdin.write("\n")
        one.stdin.flush()
    answers = [one.stdout.readline().strip() for one in all_of_them]
    for one in all_of_them:
        one.communicate("\n")
    assert sorted(answers) == ["mine"] + ["taken"] * 5


def test_a_store_that_is_away_for_an_epoch_costs_one_line_and_not_the_training(
    folder, monkeypatch, capsys
):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    with checkpoint.opened(folder) as (file, state):
        keeper = checkpoint.CheckpointCallback(file, state, [], False)
        keeper.set_model(model)
        keeper.on_train_begin()
        with monkeypatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            object_store._client.cache_clear()
            keeper.on_epoch_end(0, {"val_accuracy": 0.5})
            told = capsys.readouterr().out
            assert told.startswith(f"{folder}.lock cannot be reached (")
            assert told.endswith("Training goes on, and the next epoch is kept again.\n")
        object_store._client.cache_clear()
        keeper.on_epoch_end(1, {"val_accuracy": 0.5})
        assert len(checkpoint.load(file).history) == 2
        checkpoint.delete(file)


@pytest.mark.parametrize(
    ("place", "environment", "says"),
    [
        ("s3://nowhere/a", {}, "s3://nowhere/a cannot be used: the store has no bucket nowhere"),
        (
            PLACE,
            {
                "AWS_ACCESS_KEY_ID": s3_server.READER_KEY,
                "AWS_SECRET_ACCESS_KEY": s3_server.READER_SECRET,
            },
            f"{PLACE} cannot be used: the store refuses these keys",
        ),
        (
            PLACE,
            {"AWS_SECRET_ACCESS_KEY": "no-secret-of-it"},
            f"{PLACE} cannot be used: the store refuses these keys",
        ),
        (
            PLACE,
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            f"{PLACE} cannot be used without keys: set AWS_ACCESS_KEY_ID",
        ),
        (PLACE, {"AWS_ENDPOINT_URL": "127.0.0.1"}, r"\(Invalid endpoint.*set AWS_ENDPOINT_URL"),
        (PLACE, {"AWS_ENDPOINT_URL": "http://me:hush@127.0.0.1:1"}, r"cannot be reached .*\*\*\*@"),
    ],
)
def test_a_bucket_that_cannot_be_written_is_refused_in_one_sentence(
    folder, monkeypatch, place, environment, says
):
    for name, value in environment.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    object_store._client.cache_clear()
    began = time.monotonic()
    with pytest.raises(InputError, match=says) as refused:
        checkpoint_place.refuse_unusable(place)
    assert time.monotonic() - began < 30
    for secret in (s3_server.READER_SECRET, "no-secret-of-it", "hush", "probe-"):
        assert secret not in str(refused.value)


def test_a_bucket_that_can_be_written_is_left_as_it_was(folder):
    before = objects(PLACE)
    checkpoint_place.refuse_unusable(PLACE)
    assert objects(PLACE) == before


@pytest.mark.slow
def test_a_killed_training_goes_on_from_the_bucket_in_the_same_run(
    server, folder, small_mnist, tmp_path
):
    project = make_project(tmp_path / "project", small_mnist)
    place = "s3://kept/killed"
    words = ("src.train", "model=mlp", "model.units=[16]", "batch_size=4", "epochs=4")
    words += ("precision=float32", f"checkpoints={place}")
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=project,
        env=environment(**server.environment),
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if "epoch 2/4" in line:
            break
    process.kill()
    process.communicate()
    left = objects(place)
    assert len([name for name in left if name.endswith(("/state", "/state-before"))]) == 2
    assert not list((project / "checkpoints").glob("*"))
    done = run(project, *words, **server.environment)
    assert done.returncode == 0, done.stderr
    assert "seed1 goes on after epoch" in done.stdout
    [only] = runs(project)
    assert only.info.status == "FINISHED"
    assert "checkpoints" not in only.data.params
    assert objects(place) == []


@pytest.mark.slow
def test_a_bucket_without_permission_is_refused_before_anything_is_made(
    server, folder, small_mnist, tmp_path
):
    project = make_project(tmp_path / "project", small_mnist)
    keys = {"AWS_ACCESS_KEY_ID": "reader-key", "AWS_SECRET_ACCESS_KEY": "reader-secret"}
    done = run(
        project, "src.train", "model=mlp", f"checkpoints={PLACE}", **{**server.environment, **keys}
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Error: {PLACE} cannot be used: the store refuses these keys (")
    assert not (project / "outputs").exists()
    assert not (project / "mlflow.db").exists()
