"""A web server on this machine alone: its port is checked first, and Ctrl-C ends it quietly."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from src.runtime.errors import InputError

HOST = "127.0.0.1"


def claim(port: int) -> socket.socket:
    """Return a socket that listens at a port, so that no one else can have it.

    Who connects before there is a server waits for it.

    Raises:
        InputError: it is no port, another program has it, or it needs rights that are missing.
    """
    if not 1 <= port <= 65535:
        raise InputError(f"--port {port} is no port: choose one from 1024 to 65535.")
    # asyncio sets TCP_NODELAY where a socket names its protocol. Without it the second half of an
    # answer waits 40 ms for the client's acknowledgement of the first.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    # A connection of a server that has just ended is no hindrance.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except PermissionError as error:
        listener.close()
        raise InputError(
            f"--port {port} needs rights that you lack: choose one from 1024 to 65535."
        ) from error
    except OSError as error:
        listener.close()
        raise InputError(
            f"Port {port} is taken by another program: end that, or choose another port, for "
            f"instance --port {min(port + 10, 65535)}."
        ) from error
    return listener


def run(app: Any, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve an ASGI application until Ctrl-C.

    Args:
        app: the application.
        listener: where, as `claim` returned it.
        ready: is called when the server answers.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    with contextlib.suppress(KeyboardInterrupt):  # raised again when all connections are closed
        Server(uvicorn.Config(app, log_level="warning")).run([listener])
    print("Ended.", flush=True)
