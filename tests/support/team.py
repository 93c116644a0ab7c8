"""A team's servers as deploy/ starts them: MLflow over PostgreSQL and S3."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.commands import ROOT, environment
from tests.support.leash import leashed
from tests.support.s3_server import S3
from tests.support.servers import free_port, wait_for

ADMIN, PASSWORD = "admin", "correct horse @ 100%"
SERVER = ROOT / "deploy" / "server.sh"
NO_KEYS = ROOT / "tests" / "support" / "no_keys.ini"


@dataclass(frozen=True)
class Team:
    """A running server of MLflow."""

    address: str
    folder: Path  # of server.log
    client: Mapping[str, str] = field(repr=False)  # variables of a member with every permission


@contextmanager
def mlflow_server(
    folder: Path,
    database: str,
    bucket: str,
    s3: S3,
    *,
    serve_artifacts: bool = True,
    auth: bool = False,
    **more: str,
) -> Iterator[Team]:
    """Run deploy/server.sh in a folder until the block ends, with more environment variables.

    The database, an URI, is empty, or one that it ran with before; artifacts go to the bucket,
    s3://BUCKET/FOLDER, if asked through the server; `auth` asks for passwords.
    """
    folder.mkdir(exist_ok=True)
    port = more.pop("MLFLOW_PORT", None) or str(free_port())
    settings = {
        **s3.environment,
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_ARTIFACTS_DESTINATION": bucket,
        "MLFLOW_SERVE_ARTIFACTS": str(serve_artifacts).lower(),
        "MLFLOW_PORT": port,
        "MLFLOW_WORKERS": "2",
        "TEAM_AUTH": "basic" if auth else "none",
    }
    address = f"http://127.0.0.1:{port}"
    client = {"MLFLOW_TRACKING_URI": address}
    if not serve_artifacts:
        client |= s3.environment
    if auth:
        settings["MLFLOW_AUTH_ADMIN_PASSWORD"] = PASSWORD
        settings["MLFLOW_FLASK_SERVER_SECRET_KEY"] = "a long random text"
        client |= {"MLFLOW_TRACKING_USERNAME": ADMIN, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    log = folder / "server.log"
    env = environment(**(without_keys() | settings | more))
    with leashed([str(SERVER)], log, cwd=folder, env=env) as process:
        wait_for(f"{address}/health", process, log)
        yield Team(address, folder, client)


def without_keys() -> dict[str, str]:
    """Return variables that hide this machine's own keys to S3 from a command."""
    return {
        "AWS_CONFIG_FILE": str(NO_KEYS),
        "AWS_SHARED_CREDENTIALS_FILE": str(NO_KEYS),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
