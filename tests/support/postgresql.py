"""A real PostgreSQL server, Debian's, on a free port of loopback."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.support.leash import leashed
from tests.support.servers import free_port, program, wait_until

USER = "mlflow"
PASSWORD = "post%gres-s3cret"  # of which a URI has to quote the %
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")  # it need not survive


@dataclass(frozen=True)
class PostgreSQL:
    """A server."""

    port: int  # on 127.0.0.1
    bin: str  # the folder of its programs

    def database(self, name: str) -> str:
        """Make an empty database and return its URI, for SQLAlchemy with psycopg."""
        self.run("createdb", name)
        user = f"{USER}:{quote(PASSWORD)}"
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{name}"

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess:
        """Run one of PostgreSQL's own commands, such as pg_dump, against the server."""
        return subprocess.run(
            [f"{self.bin}/{command}", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, *words],
            env={**os.environ, "PGPASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=True,
        )

    def is_ready(self) -> bool:
        """Return whether it takes connections."""
        try:
            self.run("pg_isready")
        except subprocess.CalledProcessError:
            return False
        return True


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Run a server with an empty cluster until the block ends."""
    initdb = program("initdb", ["postgresql"], _folders)
    # Not below pytest's folder, which is closed to the user that the server has to run as.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    data, server = folder / "data", PostgreSQL(free_port(), str(Path(initdb).parent))
    become: list[str] = []
    if os.getuid() == 0:  # which PostgreSQL refuses
        for path in (folder, secret):
            shutil.chown(path, "postgres", "postgres")
        setpriv = program("setpriv", ["util-linux"])
        become = [setpriv, "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    init = [*become, initdb, f"-D{data}", f"-U{USER}", f"--pwfile={secret}", "-EUTF8"]
    init += ["--auth=scram-sha-256", "--no-sync"]
    subprocess.run(init, cwd=folder, check=True, capture_output=True)
    command = [*become, f"{server.bin}/postgres", f"-D{data}", f"-p{server.port}", f"-k{folder}"]
    command += [f"-c{one}" for one in (*FAST, "listen_addresses=127.0.0.1")]
    log, stop = folder / "postgresql.log", signal.SIGINT  # which does not wait for clients
    env = dict(os.environ)
    with leashed(command, log, cwd=folder, env=env, stop=stop, remove=folder) as process:
        wait_until(server.is_ready, process, log)
        yield server


def _folders() -> str:
    """Return where to look: in Debian's folders, the latest version first, then in PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parts[-2])
    return os.pathsep.join([*map(str, reversed(versions)), os.environ["PATH"]])
