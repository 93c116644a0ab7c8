import os
import signal
import socket
import threading
import urllib.request

import pytest

from src.runtime import local_server
from src.runtime.errors import InputError
from tests.support.servers import free_port


async def greet(scope, receive, send):
    """Answer every request with a word."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


def test_a_taken_port_is_refused_with_another_to_try():
    with socket.socket() as other:
        other.bind((local_server.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"^Port {port} is taken .* --port {port + 10}\\.$"):
            local_server.claim(port)
    with local_server.claim(port), pytest.raises(InputError, match=f"^Port {port} is taken"):
        local_server.claim(port)


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(InputError, match=f"^--port {port} is no port"):
        local_server.claim(port)


def test_it_says_so_when_it_answers_and_ctrl_c_ends_it_in_one_line(capsys):
    port, heard = free_port(), []

    def ask():
        with urllib.request.urlopen(f"http://{local_server.HOST}:{port}", timeout=10) as answer:
            heard.append(answer.read())
        os.kill(os.getpid(), signal.SIGINT)

    local_server.run(greet, local_server.claim(port), threading.Thread(target=ask).start)
    assert heard == [b"hello"]
    assert capsys.readouterr() == ("Ended.\n", "")
