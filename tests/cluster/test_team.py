"""Every command through a team's MLflow: a real server over PostgreSQL and S3."""

import contextlib
import re
import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mlflow
import pytest
import yaml
from mlflow import MlflowClient

from tests.support import commands
from tests.support.commands import EXPERIMENT, SMALL, files, make_project, run, sentence
from tests.support.postgresql import PASSWORD as DATABASE_PASSWORD
from tests.support.postgresql import postgresql
from tests.support.s3_server import READER_KEY, READER_SECRET, s3_server
from tests.support.servers import free_port
from tests.support.team import Team, mlflow_server, without_keys

KINDS = {
    "through-the-server": {},
    "direct-to-S3": {"serve_artifacts": False},
    "with-passwords": {"auth": True},
}
BUCKET = "team"
TRAIN = ("src.train", *SMALL, "epochs=2")
GUEST = "guest-s3cret-of-hers"
OUTAGE_SECONDS = 20  # many times as long as one call is tried
RUNS = {
    "question": "Does it work?",
    "experiment": "default",
    "dataset": "files-any",
    "overrides": [*SMALL, "epochs=2"],
    "workers": 2,
}
STUDY = {
    **RUNS,
    "factor": "activation",
    "levels": ["relu", "swish"],
    "reference": "relu",
    "seeds": [1, 2],
    "smallest_effect": 0.01,
    "because": "It is enough here.",
}
SEARCH = {
    **RUNS,
    "space": {"optimizer.learning_rate": {"log_uniform": [0.0001, 0.1]}},
    "trials": 2,
    "pruner": "none",
}


@pytest.fixture(scope="module")
def database():
    with postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        server.client().create_bucket(Bucket=BUCKET)
        yield server


@pytest.fixture(scope="module")
def fresh_project(small_mnist, tmp_path_factory):
    """A project with a study and a search, to be copied."""
    project = make_project(tmp_path_factory.mktemp("project"), small_mnist)
    (project / "conf" / "study" / "mine.yaml").write_text(yaml.safe_dump(STUDY))
    (project / "conf" / "search" / "mine.yaml").write_text(yaml.safe_dump(SEARCH))
    return project


@dataclass(frozen=True)
class Member:
    """A member of a team, with her own project."""

    team: Team
    project: Path

    def types(self, *words, **more):
        """Run one of the commands, which must succeed; return its output."""
        done = run(self.project, *words, **(without_keys() | dict(self.team.client) | more))
        assert done.returncode == 0, done.stdout + done.stderr
        shown = done.stdout + done.stderr
        assert self.team.client.get("MLFLOW_TRACKING_PASSWORD", "no password") not in shown
        return shown


@pytest.fixture(scope="module", params=KINDS)
def member(request, database, s3, fresh_project, tmp_path_factory):
    """A member of a team for each way to serve it."""
    folder = tmp_path_factory.mktemp(request.param)
    uri = database.database(request.param)
    bucket = f"s3://{BUCKET}/{request.param}"
    with mlflow_server(folder / "server", uri, bucket, s3, **KINDS[request.param]) as team:
        yield Member(team, shutil.copytree(fresh_project, folder / "project"))
        assert DATABASE_PASSWORD not in (team.folder / "server.log").read_text()


@pytest.fixture
def client(member, monkeypatch):
    return client_of(member.team, monkeypatch)


def client_of(team, monkeypatch):
    """Return this process's own client of a server, which MLflow's functions use too."""
    for name, value in team.client.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(team.address)
    return MlflowClient(team.address)


def recorded(client, **tags):
    """Return the runs with these tags, the oldest first."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    words = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    order = ["attributes.start_time ASC"]
    return client.search_runs([experiment.experiment_id], words, order_by=order)


def kept(client, run_id, folder=""):
    """Return the paths of a run's artifacts."""
    found = client.list_artifacts(run_id, folder)
    below = [path for one in found if one.is_dir for path in kept(client, run_id, one.path)]
    return {one.path for one in found if not one.is_dir} | set(below)


def one_way(kind):
    """Let a test have one way to serve; each is tried by a training."""
    return pytest.mark.parametrize("member", [kind], indirect=True)


def test_a_training_and_its_predictions_are_logged(member, client):
    member.types("src.train", *SMALL, "epochs=2", "hydra.run.dir=models", "submission=false")
    member.types("src.predict")
    [only] = recorded(client, activation="swish")
    assert only.info.status == "FINISHED"
    assert {"test_accuracy", "loss", "val_accuracy"} <= set(only.data.metrics)
    assert len(client.get_metric_history(only.info.run_id, "loss")) == 2
    assert {"submission.csv", "history.csv", "figures/learning_curves.png"} <= kept(
        client, only.info.run_id
    )
    [logged] = client.search_logged_models([only.info.experiment_id])
    with contextlib.chdir(member.project):
        loaded = mlflow.pyfunc.load_model(logged.model_uri)
    assert loaded.metadata.run_id == only.info.run_id


@one_way("with-passwords")
def test_a_sweep_resumes_under_its_parent_and_a_search_ends_in_a_recipe(member, client):
    words = ("src.train", *SMALL, "epochs=1", "activation=gelu,elu", "-m")
    member.types(*words)
    before = {one.info.run_id for one in recorded(client)}
    member.types(*words)
    assert {one.info.run_id for one in recorded(client)} == before
    [gelu] = recorded(client, activation="gelu")
    [elu] = recorded(client, activation="elu")
    assert gelu.data.tags["mlflow.parentRunId"] == elu.data.tags["mlflow.parentRunId"]
    member.types("src.search", "mine")
    assert (member.project / "conf" / "experiment" / "mine.yaml").is_file()
    trials = [one for one in recorded(client, search="mine") if "trial" in one.data.tags]
    assert [one.info.status for one in trials] == ["FINISHED"] * 2


@one_way("direct-to-S3")
def test_a_study_with_two_workers_is_run_and_reported(member, client):
    member.types("src.study", "mine")
    [parent, *children] = recorded(client, study="mine")
    assert [one.info.status for one in (parent, *children)] == ["FINISHED"] * 5
    member.types("src.report", "mine")
    assert {"report/index.html", "report/runs.csv"} <= kept(client, parent.info.run_id)


def test_a_server_that_stops_for_a_while_costs_a_study_nothing(
    database, s3, fresh_project, tmp_path, monkeypatch
):
    uri, bucket, port = database.database("stopped"), f"s3://{BUCKET}/stopped", str(free_port())
    served = partial(mlflow_server, tmp_path / "server", uri, bucket, s3, MLFLOW_PORT=port)
    text = STUDY | {"seeds": [1], "overrides": [*SMALL, "epochs=200"]}
    project = shutil.copytree(fresh_project, tmp_path / "project")
    with served() as team:
        (project / "conf" / "study" / "mine.yaml").write_text(yaml.safe_dump(text))
        variables = without_keys() | dict(team.client)
        process = commands.begin(project, "src.study", "mine", **variables)
        commands.wait_for_epochs(process, project, 2)
    time.sleep(OUTAGE_SECONDS)
    assert process.poll() is None
    with served() as team:
        client = client_of(team, monkeypatch)
        done = commands.finish(process)
        assert done.returncode == 0, done.stderr
        logs = [log.read_text() for log in project.glob("multirun/*/*/*/train.log")]
        assert re.search("the MLflow store .* cannot be used", "".join(logs))
        [parent, *children] = recorded(client, study="mine")
        assert [one.info.status for one in (parent, *children)] == ["FINISHED"] * 3
        for one in children:
            logged = client.get_metric_history(one.info.run_id, "loss")
            assert [point.step for point in logged] == list(range(1, 201))


def test_a_backup_restores_runs_users_and_artifacts(
    database, s3, fresh_project, tmp_path, monkeypatch
):
    """The commands of deploy/commands.md, with boto3 in place of the aws command. A restored user
    who may only read is refused.
    """
    first, second = f"s3://{BUCKET}/kept", f"s3://{BUCKET}/restored"
    (tmp_path / "note.txt").write_text("kept")
    uri = database.database("kept")
    with mlflow_server(tmp_path / "1", uri, first, s3, auth=True) as team:
        client = client_of(team, monkeypatch)
        run_id = client.create_run(client.create_experiment(EXPERIMENT)).info.run_id
        client.log_metric(run_id, "accuracy", 0.5)
        client.log_artifact(run_id, str(tmp_path / "note.txt"))
        user_client(team).create_user("guest", GUEST)
    dump = str(tmp_path / "mlflow.dump")
    database.run("pg_dump", "--format=custom", f"--file={dump}", "kept")
    uri = database.database("restored")
    database.run("pg_restore", "--dbname=restored", "--no-owner", dump)
    boto3 = s3.client()
    for one in boto3.list_objects_v2(Bucket=BUCKET, Prefix="kept/")["Contents"]:
        source, copy = {"Bucket": BUCKET, "Key": one["Key"]}, one["Key"].replace("kept", "restored")
        boto3.copy_object(Bucket=BUCKET, CopySource=source, Key=copy)
    least = {"TEAM_PERMISSION": "READ"}
    with mlflow_server(tmp_path / "2", uri, second, s3, auth=True, **least) as team:
        client = client_of(team, monkeypatch)
        assert client.get_run(run_id).data.metrics == {"accuracy": 0.5}
        fetched = client.download_artifacts(run_id, "note.txt", str(tmp_path / "2"))
        assert Path(fetched).read_text() == "kept"
        guest = {"MLFLOW_TRACKING_USERNAME": "guest", "MLFLOW_TRACKING_PASSWORD": GUEST}
        refused = refusal(fresh_project, *TRAIN, **(dict(team.client) | guest))
    assert "the permission EDIT" in refused
    assert GUEST not in refused


def refusal(project, *words, **variables):
    """Return the one sentence of a command that creates nothing."""
    before = files(project)
    refused = sentence(run(project, *words, **(without_keys() | variables)))
    assert files(project) - before <= {"checkpoints", "checkpoints/study-mine.lock"}
    return refused


@one_way("direct-to-S3")
@pytest.mark.parametrize(
    ("keys", "remedy"),
    [
        ({}, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"id": READER_KEY, "secret": READER_SECRET}, "have its owner allow these keys"),
        ({"id": READER_KEY, "secret": "wrong-s3cret"}, "fix AWS_SECRET_ACCESS_KEY"),
        ({"id": "nobody", "secret": "wrong-s3cret"}, "fix AWS_ACCESS_KEY_ID"),
        ({"endpoint": "http://127.0.0.1:9"}, "fix MLFLOW_S3_ENDPOINT_URL"),
    ],
    ids=["none", "a reader's", "a wrong secret", "unknown", "no server"],
)
def test_a_bucket_that_cannot_be_written_is_refused(member, fresh_project, keys, remedy):
    variables = dict(member.team.client)
    if "endpoint" in keys:
        variables["MLFLOW_S3_ENDPOINT_URL"] = keys["endpoint"]
    else:
        del variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
    if "id" in keys:
        variables |= {"AWS_ACCESS_KEY_ID": keys["id"], "AWS_SECRET_ACCESS_KEY": keys["secret"]}
    refused = refusal(fresh_project, *TRAIN, **variables)
    assert f"s3://{BUCKET}/direct-to-S3/" in refused
    assert remedy in refused
    assert "s3cret" not in refused


@one_way("direct-to-S3")
def test_a_bucket_that_does_not_exist_is_refused(member, client, fresh_project):
    client.create_experiment("lost", artifact_location="s3://nowhere/x")
    words = (*TRAIN, "mlflow.experiment=lost")
    assert "create the bucket" in refusal(fresh_project, *words, **member.team.client)


def test_a_server_that_cannot_write_its_bucket_is_refused(database, s3, fresh_project, tmp_path):
    keys = {"AWS_ACCESS_KEY_ID": READER_KEY, "AWS_SECRET_ACCESS_KEY": READER_SECRET}
    uri = database.database("proxy_reads")
    with mlflow_server(tmp_path, uri, f"s3://{BUCKET}/reads", s3, **keys) as team:
        assert "see what the server's log says" in refusal(fresh_project, *TRAIN, **team.client)


@one_way("with-passwords")
@pytest.mark.parametrize("command", [TRAIN, ("src.study", "mine"), ("src.report", "mine")])
def test_a_wrong_password_is_refused_and_not_printed(member, fresh_project, command):
    variables = dict(member.team.client) | {"MLFLOW_TRACKING_PASSWORD": "wrong-s3cret"}
    refused = refusal(fresh_project, *command, **variables)
    assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in refused
    assert "s3cret" not in refused


def test_a_name_that_the_server_does_not_know_itself_by_is_refused(
    database, s3, fresh_project, tmp_path
):
    uri = database.database("hosts")
    hosts = {"MLFLOW_SERVER_ALLOWED_HOSTS": "mlflow.example,mlflow.example:5000"}
    with mlflow_server(tmp_path, uri, f"s3://{BUCKET}/hosts", s3, **hosts) as team:
        assert "--allowed-hosts" in refusal(fresh_project, *TRAIN, **team.client)


@one_way("with-passwords")
def test_a_member_adds_to_anothers_experiment_and_her_password_in_the_uri_is_never_printed(
    member, client, fresh_project, tmp_path
):
    project = shutil.copytree(fresh_project, tmp_path / "project")
    client.get_experiment_by_name(EXPERIMENT) or client.create_experiment(EXPERIMENT)
    user_client(member.team).create_user("anna", "correct horse @ 100%")
    at = member.team.address
    variables = without_keys() | {
        "MLFLOW_TRACKING_URI": at.replace("//", "//anna:correct%20horse%20%40%20100%25@"),
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "false",
    }
    done = run(project, *TRAIN, **variables)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"View run swish-\S+ at: {at}/#/", done.stdout)
    logs = [path.read_text() for path in (project / "outputs").rglob("*.log")]
    for text in (done.stdout, done.stderr, *logs):
        assert "horse" not in text


def user_client(team):
    """Return the client that creates users and gives them permissions."""
    from mlflow.server.auth.client import AuthServiceClient

    return AuthServiceClient(team.address)
