"""A stand-in for Kaggle on this machine, with as much of its API as the client needs.

The real client finds it by its own switches: KAGGLE_API_ENVIRONMENT=LOCALHOST makes it ask
http://localhost, and http_proxy leads that here. So nothing of the client is replaced, and a child
process finds the stand-in, too. No real credentials are read: HOME is a folder of the test.
"""

import base64
import io
import json
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

USER, KEY, TOKEN = "ada", "k3y-0f-ada", "KGAT_t0ken-of-ada"
SECRETS = (KEY, TOKEN, base64.b64encode(f"{USER}:{KEY}".encode()).decode())
BEARER = f"Bearer {TOKEN}"
BASIC = f"Basic {SECRETS[2]}"

REF = 4711
CSVS = {
    "train.csv": b"label,pixel0\n7,0\n",
    "test.csv": b"pixel0\n0\n",
    "sample_submission.csv": b"ImageId,Label\n1,0\n",
}
PENDING = {"ref": REF, "status": "PENDING"}
COMPLETE = {"ref": REF, "status": "COMPLETE", "publicScore": "0.99671"}


def archive(files: dict[str, bytes]) -> bytes:
    """Return a zip archive of `files`, name to content."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return packed.getvalue()


@dataclass
class StandIn:
    """The answers of the stand-in (set by a test), and its calls (read by a test)."""

    archive: bytes = field(default_factory=lambda: archive(CSVS))
    cut: int = 0  # how many of the archive's last bytes are missing when it hangs up
    # The answers about the submission, one after the other; the last one stays.
    submissions: list[dict] = field(default_factory=lambda: [PENDING, COMPLETE])
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)  # by method
    storage_status: int = 200  # of an upload
    answers: dict[str, bytes] = field(default_factory=dict)  # bodies, by method
    asked: list[tuple[str, str | None, dict]] = field(default_factory=list)  # with Authorization
    uploaded: bytes = b""

    def calls(self, method: str) -> list[dict]:
        """Return the bodies of the calls of `method`."""
        return [body for name, _, body in self.asked if name == method]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self._body() or b"{}")
        method = urlsplit(self.path).path.rpartition("/")[2]
        authorization = self.headers["Authorization"]
        kaggle: StandIn = self.server.kaggle
        kaggle.asked.append((method, authorization, body))
        if method in kaggle.answers:
            self._send(200, kaggle.answers[method], "text/html")
        elif method in kaggle.refusals:
            status, message = kaggle.refusals[method]
            self._json(status, {"code": status, "message": message})
        elif method == "IntrospectToken":
            active = body["token"] == TOKEN
            self._json(200, {"active": active, "username": USER if active else ""})
        elif authorization not in (BEARER, BASIC):
            self._json(401, {"code": 401, "message": f"Unauthenticated: {authorization}"})
        elif method == "DownloadDataFiles":
            self._send(302, b"", "text/plain", Location="http://localhost/storage/data.zip?sig=1")
        elif method == "StartSubmissionUpload":
            self._json(200, {"token": "blob", "createUrl": "http://localhost/storage/blob?sig=1"})
        elif method == "CreateSubmission":
            self._json(200, {"message": "Successfully submitted to Digit Recognizer", "ref": REF})
        elif method == "ListSubmissions":
            now = kaggle.submissions
            self._json(200, {"submissions": [now.pop(0) if len(now) > 1 else now[0]]})
        else:
            self._json(404, {"code": 404, "message": f"No {method} here"})

    def do_GET(self) -> None:
        whole, cut = self.server.kaggle.archive, self.server.kaggle.cut
        self._send(200, whole[: len(whole) - cut], "application/zip", length=len(whole))

    def do_PUT(self) -> None:
        self.server.kaggle.uploaded = self._body()
        self._send(self.server.kaggle.storage_status, b"", "text/plain")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def _json(self, status: int, answer: dict) -> None:
        self._send(status, json.dumps(answer).encode(), "application/json")

    def _send(
        self, status: int, body: bytes, kind: str, *, length: int | None = None, **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("X-Kaggle-APIVersion", "99.0.0")  # the client warns that it is outdated
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def stand_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Yield a running stand-in that this process's client asks, with `home` as HOME and without
    credentials.
    """
    for name in list(os.environ):
        if name.startswith("KAGGLE_") or name.lower() in ("http_proxy", "no_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    for name in [module for module in sys.modules if module.partition(".")[0] == "kaggle"]:
        monkeypatch.delitem(sys.modules, name)  # it reads the environment when it is imported
    home.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.kaggle = StandIn()
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.kaggle
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
