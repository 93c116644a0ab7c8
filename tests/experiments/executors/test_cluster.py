import socket
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from src.core.errors import InputError
from src.experiments.executors import cluster


@contextmanager
def server(answer):
    """Listen at an address, and send `answer` to the first client; None: nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run():
            line, _ = listener.accept()
            with line:
                line.recv(100)
                line.sendall(answer)

        thread = threading.Thread(target=run, daemon=True)
        if answer is not None:
            thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        if answer is not None:
            thread.join()


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 400 Bad Request\r\n"])
def test_a_server_that_is_not_rays_is_refused_in_seconds(answer, monkeypatch):
    monkeypatch.setattr(cluster, "TIMEOUT_SECONDS", 0.2)
    reason = "timed out" if answer is None else "the server there is not ray's"
    with server(answer) as where, pytest.raises(InputError, match=rf"No Ray answers .*\({reason}"):
        cluster._refuse_silence(where)


def test_a_server_that_speaks_as_rays_does_passes_but_not_when_it_is_gone():
    with server(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])) as where:
        cluster._refuse_silence(where)
    with pytest.raises(InputError, match=rf"No Ray answers at RAY_ADDRESS={where} \(connection re"):
        cluster._refuse_silence(where)


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


@pytest.mark.parametrize(("given", "joined"), [("", None), ("local", None), ("auto", "auto")])
def test_only_a_foreign_address_is_a_cluster_to_join(monkeypatch, given, joined):
    monkeypatch.setenv("RAY_ADDRESS", given)
    assert cluster.address() == joined
