"""deploy/ must agree with the settings that its scripts read; the servers run in tests/cluster."""

import re
import subprocess

import pytest
import yaml

from tests.support.commands import ROOT, environment

DEPLOY = ROOT / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]


def test_every_variable_of_the_compose_file_is_in_the_example_and_no_secret():
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(given) == set(re.findall(r"\$\{(\w+)", COMPOSE))  # ${NAME}, ${NAME:-default}
    secrets = [name for name in given if re.search("PASSWORD|SECRET|KEY", name)]
    assert [name for name in secrets if given[name]] == []
    assert ".env" in (DEPLOY / ".gitignore").read_text().split()


def test_every_setting_of_the_server_is_one_that_it_or_mlflow_reads():
    script = (DEPLOY / "server.sh").read_text()
    given = set(SERVICES["mlflow"]["environment"]) - {"AWS_DEFAULT_REGION"}
    assert {name for name in given if name not in script} == set()


def test_only_mlflows_port_is_open_to_others_and_every_service_reports_its_health():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["mlflow"]
    assert all("healthcheck" in service for service in SERVICES.values())


def test_the_image_has_the_mlflow_of_the_lock():
    [line] = re.findall(r"^mlflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    text = (DEPLOY / "Dockerfile").read_text() + (DEPLOY / "commands.md").read_text()
    assert set(re.findall(r"mlflow(?:\[auth\]==|:v)([\d.]+)", text)) == {line}


SET = {"MLFLOW_BACKEND_STORE_URI": "sqlite://", "MLFLOW_ARTIFACTS_DESTINATION": "s3://b/c"}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "MLFLOW_BACKEND_STORE_URI is not set"),
        ({"MLFLOW_BACKEND_STORE_URI": "sqlite://"}, "MLFLOW_ARTIFACTS_DESTINATION is not set"),
        (SET, "MLFLOW_AUTH_ADMIN_PASSWORD is not set"),
        (SET | {"MLFLOW_AUTH_ADMIN_PASSWORD": "x"}, "MLFLOW_FLASK_SERVER_SECRET_KEY is not set"),
        (SET | {"TEAM_AUTH": "Basic"}, "TEAM_AUTH=Basic is neither"),
        (SET | {"MLFLOW_SERVE_ARTIFACTS": "yes"}, "MLFLOW_SERVE_ARTIFACTS=yes is neither"),
    ],
)
def test_a_server_without_its_settings_is_refused_in_one_sentence(settings, complaint):
    done = subprocess.run(
        [DEPLOY / "server.sh"], env=environment(**settings), capture_output=True, text=True
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Error: {complaint}")
