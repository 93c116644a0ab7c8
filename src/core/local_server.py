"""A web server on this machine only: it takes its port first, and Ctrl-C ends it quietly."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from src.core.errors import InputError

HOST = "127.0.0.1"


def claim(port: int) -> socket.socket:
    """Return a socket that listens at a port, so that no other program can take it; connections
    wait until there is a server. A caller that starts another program there closes it first. Raise
    InputError if it is not a port, is taken, or needs rights that the user lacks.
    """
    if not 1 <= port <= 65535:
        raise InputError(f"--port {port} is not a port: choose one from 1024 to 65535.")
    # asyncio sets TCP_NODELAY if a socket names its protocol. Without it the second half of an
    # answer waits 40 ms for the client's acknowledgement of the first.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    # Connections of a server that has just ended do not count.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            reason = f"--port {port} needs rights that you lack: choose one from 1024 to 65535."
        else:
            remedy = f"choose another port, for instance --port {min(port + 10, 65535)}."
            reason = f"Port {port} is taken by another program: end that, or {remedy}"
        raise InputError(reason) from error
    return listener


def run(app: Any, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve an ASGI application at a socket from `claim` until Ctrl-C; call `ready` once it is."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    with contextlib.suppress(KeyboardInterrupt):  # raised again when all connections are closed
        Server(uvicorn.Config(app, log_level="warning")).run([listener])
    print("Ended.", flush=True)
