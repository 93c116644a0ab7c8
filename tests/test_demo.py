import os
import socket

from tests.support.commands import ROOT, run, sentence


def test_a_taken_port_is_refused_before_anything_slow(project, no_heavy_imports):
    path = f"{no_heavy_imports}{os.pathsep}{ROOT}"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        for command in ("src.demo", "src.serve", "src.ui"):
            refused = run(project, command, "--port", port, PYTHONPATH=path)
            assert f"Port {port} is taken by another program" in sentence(refused)
