#!/bin/sh
# A team's MLflow server. compose.yaml, commands.md and the tests all start it with this script; its
# settings are environment variables, because `ps` would show passwords given as arguments.
#
#   MLFLOW_BACKEND_STORE_URI      postgresql+psycopg://USER:PASSWORD@HOST/DATABASE
#   MLFLOW_ARTIFACTS_DESTINATION  s3://BUCKET/FOLDER
#   MLFLOW_SERVE_ARTIFACTS        true (default): only the server has the bucket's keys;
#                                 false: every client reads and writes the bucket directly
#   TEAM_AUTH                     basic (default) or none
#   TEAM_PERMISSION               with basic: every member's minimum permission in every experiment,
#                                 EDIT (default), READ or NO_PERMISSIONS; grants only add to it
#   MLFLOW_AUTH_ADMIN_PASSWORD, MLFLOW_FLASK_SERVER_SECRET_KEY
#                                 with basic: the first administrator's, and any long random text
#   MLFLOW_SERVER_ALLOWED_HOSTS   every name clients use, as HOST and HOST:PORT, comma-separated
#   MLFLOW_HOST, MLFLOW_PORT, MLFLOW_WORKERS
#                                 127.0.0.1, 5000, 4
#   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, MLFLOW_S3_ENDPOINT_URL
#                                 for the bucket, as read by boto3 and MLflow
set -eu
umask 077

refuse() {
    echo "Error: $*" >&2
    exit 2
}

[ -n "${MLFLOW_BACKEND_STORE_URI:-}" ] || refuse "MLFLOW_BACKEND_STORE_URI is not set:" \
    "set it to postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
[ -n "${MLFLOW_ARTIFACTS_DESTINATION:-}" ] || refuse "MLFLOW_ARTIFACTS_DESTINATION is not set:" \
    "set it to s3://BUCKET/FOLDER."

export MLFLOW_DISABLE_TELEMETRY="${MLFLOW_DISABLE_TELEMETRY:-true}"
# Jobs serve MLflow's judges of language models; even idle, they take several processes of 150 MB.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION="${MLFLOW_SERVER_ENABLE_JOB_EXECUTION:-false}"

case "${MLFLOW_SERVE_ARTIFACTS:=true}" in
    true) set -- --serve-artifacts ;;
    false) set -- --no-serve-artifacts --default-artifact-root "$MLFLOW_ARTIFACTS_DESTINATION" ;;
    *) refuse "MLFLOW_SERVE_ARTIFACTS=$MLFLOW_SERVE_ARTIFACTS is neither true nor false." ;;
esac
unset MLFLOW_SERVE_ARTIFACTS # the option says it

case "${TEAM_AUTH:-basic}" in
    none) ;;
    basic)
        [ -n "${MLFLOW_AUTH_ADMIN_PASSWORD:-}" ] ||
            refuse "MLFLOW_AUTH_ADMIN_PASSWORD is not set: choose the administrator's password."
        [ -n "${MLFLOW_FLASK_SERVER_SECRET_KEY:-}" ] ||
            refuse "MLFLOW_FLASK_SERVER_SECRET_KEY is not set: set it to a long random text."
        # Users are kept in the same database, so that one backup has everything. The file's syntax
        # needs each % doubled. A verified password stays valid for a minute, because verifying one
        # takes 0.1 s.
        MLFLOW_AUTH_CONFIG_PATH="$(mktemp)"
        export MLFLOW_AUTH_CONFIG_PATH
        cat >"$MLFLOW_AUTH_CONFIG_PATH" <<INI
[mlflow]
default_permission = ${TEAM_PERMISSION:-EDIT}
database_uri = $(printf '%s' "$MLFLOW_BACKEND_STORE_URI" | sed 's/%/%%/g')
admin_username = ${MLFLOW_AUTH_ADMIN_USERNAME:-admin}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
INI
        set -- "$@" --app-name basic-auth
        ;;
    *) refuse "TEAM_AUTH=$TEAM_AUTH is neither basic nor none." ;;
esac

exec mlflow server "$@"
