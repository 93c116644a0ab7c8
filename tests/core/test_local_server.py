import asyncio
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from src.core import local_server
from src.core.errors import InputError
from tests.support.commands import ROOT, environment
from tests.support.servers import free_port

# Its own process: Ctrl-C would also end the tests.
SERVER = """
import sys
from src.core import local_server

async def greet(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

listener = local_server.claim(int(sys.argv[1]))
local_server.run(greet, listener, lambda: print("Ready.", flush=True))
"""


def test_a_taken_port_is_refused_with_another_to_try_and_so_is_a_number_that_is_not_a_port():
    with socket.socket() as other:
        other.bind((local_server.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"^Port {port} is taken .* --port {port + 10}\\.$"):
            local_server.claim(port)
    with local_server.claim(port), pytest.raises(InputError, match=f"^Port {port} is taken"):
        local_server.claim(port)
    for number in (-1, 0, 65536):
        with pytest.raises(InputError, match=f"^--port {number} is not a port"):
            local_server.claim(number)


def test_an_answer_does_not_wait_for_an_acknowledgement():
    seen = []

    async def serve():
        def greet(reader, writer):
            own = writer.get_extra_info("socket")
            seen.append(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with local_server.claim(free_port()) as listener:
            async with await asyncio.start_server(greet, sock=listener):
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                await reader.read()
                writer.close()

    asyncio.run(serve())
    assert seen == [1]


def test_it_says_so_when_it_answers_and_ctrl_c_ends_it_in_one_line():
    port = free_port()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", SERVER, str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), **pipes) as process:
        assert process.stdout.readline() == "Ready.\n"
        with urllib.request.urlopen(f"http://{local_server.HOST}:{port}", timeout=10) as answer:
            assert answer.read() == b"hello"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("Ended.\n", "")
        assert process.returncode == 0
