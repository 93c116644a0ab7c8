import os
import time

import pytest

from src.core import process
from src.tracking import lease, store


@pytest.fixture
def experiment(client):
    return store.connect("leases")[1]


def gone():
    """Return the identity of a process that has ended: an earlier one with this one's number."""
    pid, started, machine = process.identity().split("-", 2)
    return f"{pid}-{int(started) - 1}-{machine}"


def status(client, run_id):
    return client.get_run(run_id).info.status


def begun(client, experiment, **tags):
    return client.create_run(experiment, start_time=1_000, tags=tags).info.run_id


def test_a_run_whose_process_is_gone_is_killed_with_the_time_of_its_last_sign(client, experiment):
    run_id = begun(client, experiment, owner=gone(), heartbeat="60")
    client.log_metric(run_id, "loss", 0.5, timestamp=70_000, step=1)
    lease.close_orphans(client, experiment)
    assert status(client, run_id) == "KILLED"
    assert client.get_run(run_id).info.end_time == 70_000


def test_a_run_of_this_process_and_one_without_an_owner_are_left_alone(client, experiment):
    ours = begun(client, experiment, **lease.tags())
    nobodys = begun(client, experiment)
    lease.close_orphans(client, experiment)
    assert status(client, ours) == status(client, nobodys) == "RUNNING"


@pytest.mark.parametrize(("silent", "expected"), [(60, "RUNNING"), (3_600, "KILLED")])
def test_a_run_of_another_machine_is_killed_only_after_a_long_silence(
    client, experiment, silent, expected
):
    beat = str(int(time.time() - silent))
    run_id = begun(client, experiment, owner="1-2-elsewhere", heartbeat=beat)
    found = client.get_run(run_id)
    assert lease.owner(found) == ("process 1 on elsewhere" if expected == "RUNNING" else None)
    lease.close_orphans(client, experiment)
    assert status(client, run_id) == expected


def test_the_owner_of_a_run_is_the_living_process_that_works_on_it(client, experiment):
    held = begun(client, experiment, **lease.tags())
    assert lease.owner(client.get_run(held)).startswith(f"process {os.getpid()} on ")
    client.set_terminated(held)
    for run_id in (held, begun(client, experiment), begun(client, experiment, owner=gone())):
        assert lease.owner(client.get_run(run_id)) is None


def test_a_lease_makes_a_run_ones_own_and_beats_until_it_is_released(
    client, experiment, monkeypatch
):
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.05)
    run_id = begun(client, experiment, owner=gone(), heartbeat="0")
    held = lease.Lease(client, run_id)
    assert client.get_run(run_id).data.tags[lease.OWNER] == process.identity()
    client.set_tag(run_id, lease.HEARTBEAT, "0")
    time.sleep(1)
    held.release()
    held.thread.join(10)
    assert not held.thread.is_alive()
    assert float(client.get_run(run_id).data.tags[lease.HEARTBEAT]) > time.time() - 60
