import socket
import threading
import time
from types import SimpleNamespace

import pytest

from src.core.errors import InputError
from src.experiments.executors import cluster


@pytest.fixture
def listener():
    """A socket that accepts, and the address that it has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server, f"127.0.0.1:{server.getsockname()[1]}"


def answer(server, words):
    """Answer the first who connects."""

    def run():
        line, _ = server.accept()
        with line:
            line.recv(100)
            line.sendall(words)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_an_address_nobody_listens_at_is_refused_at_once(listener):
    server, where = listener
    server.close()
    with pytest.raises(InputError, match=rf"No Ray answers at RAY_ADDRESS={where} \(connection re"):
        cluster._refuse_silence(where)


def test_a_server_that_says_nothing_or_something_else_is_refused_in_seconds(listener, monkeypatch):
    server, where = listener
    monkeypatch.setattr(cluster, "TIMEOUT_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(InputError, match="No Ray answers"):
        cluster._refuse_silence(where)
    server.accept()[0].close()
    thread = answer(server, b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(InputError, match="the server there is not ray's"):
        cluster._refuse_silence(where)
    thread.join()
    assert time.monotonic() - began < 10


def test_a_server_that_speaks_as_rays_does_is_let_pass(listener):
    server, where = listener
    thread = answer(server, bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    cluster._refuse_silence(where)
    thread.join()


@pytest.mark.parametrize("where", ["head", "ray://head:10001", "head:port"])
def test_an_address_of_another_form_is_refused(where):
    with pytest.raises(InputError, match="write HOST:PORT"):
        cluster._refuse_silence(where)


def test_a_run_that_no_node_could_hold_is_refused_with_both_numbers(monkeypatch):
    listed = [
        {"NodeID": "a", "Alive": True, "Resources": {"CPU": 2.0}},
        {"NodeID": "b", "Alive": False, "Resources": {"CPU": 64.0}},
    ]
    monkeypatch.setattr(cluster, "library", lambda: SimpleNamespace(nodes=lambda: listed))
    cluster.refuse_too_large(2, 0)
    with pytest.raises(InputError, match=r"asks for 3 CPUs .* no node of Ray has more than 2"):
        cluster.refuse_too_large(3, 0)
    with pytest.raises(InputError, match=r"asks for 0.5 GPUs .* no node of Ray has more than 0"):
        cluster.refuse_too_large(1, 0.5)


def test_only_a_foreign_address_is_a_cluster_to_join(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert cluster.address() is None
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert cluster.address() is None
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    assert cluster.address() == "auto"
