"""Keeps MLflow from printing passwords."""

import os
from urllib.parse import unquote, urlsplit

URI, USER, PASSWORD = (f"MLFLOW_TRACKING_{name}" for name in ("URI", "USERNAME", "PASSWORD"))


def move_out_of_uri() -> None:
    """Move user and password from MLFLOW_TRACKING_URI, which MLflow prints in links to runs, to the
    variables that it has for them. Only those of a server: a database's have no such variables.
    """
    uri = urlsplit(os.environ.get(URI, ""))
    if uri.scheme in ("http", "https") and uri.username and uri.password is not None:
        os.environ[USER], os.environ[PASSWORD] = unquote(uri.username), unquote(uri.password)
        os.environ[URI] = uri._replace(netloc=uri.netloc.rpartition("@")[2]).geturl()
