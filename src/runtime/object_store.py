"""Objects of an S3 store, Amazon's or another that speaks its protocol: each is written whole.

boto3 is imported late, because only who keeps checkpoints in a bucket needs it. The endpoint and
the keys are those of AWS's own environment variables and files.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

from src.runtime.errors import InputError, without_password

SCHEME = "s3://"
ATTEMPTS = 3  # of a request
CONNECT_SECONDS, READ_SECONDS = 5, 60
RIGHTS = "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject"
PROBE = re.compile(r"/\.probe-[0-9a-f]{32}")
MISSING = {"404", "NoSuchKey", "NotFound"}
NOT_AS_EXPECTED = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
REFUSED = {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


class UnreachableError(InputError):
    """The store does not answer, or is out of order: it may be back later."""


class ChangedError(Exception):
    """An object is not what a conditional write expected."""


class Found(NamedTuple):
    """An object as it was found.

    Attributes:
        content: its bytes.
        etag: what the store calls this version of it.
        age: seconds since it was written, both by the store's own clock.
    """

    content: bytes
    etag: str
    age: float


class StoredObject:
    """One object, with the methods of a Path that a checkpoint needs.

    Args:
        uri: s3://BUCKET/KEY.

    Attributes:
        usable: whether what it holds may be kept; False where it was found damaged.
    """

    def __init__(self, uri: str):
        self.uri, self.usable = uri, True
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        self.place = {"Bucket": bucket, "Key": key}

    def __str__(self) -> str:
        """Return the URI."""
        return self.uri

    @property
    def name(self) -> str:
        """The last part of the URI."""
        return self.uri.rpartition("/")[2]

    def with_name(self, name: str) -> "StoredObject":
        """Return the object of another name beside this one."""
        return StoredObject(f"{self.uri.rpartition('/')[0]}/{name}")

    def find(self) -> Found:
        """Return what it holds.

        Raises:
            FileNotFoundError: it does not exist.
            InputError: the store cannot be used.
        """
        from email.utils import parsedate_to_datetime

        with _told(self.uri):
            answer = _client(os.getpid()).get_object(**self.place)
            now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            age = (now - answer["LastModified"]).total_seconds()
            return Found(answer["Body"].read(), answer["ETag"], age)

    def exists(self) -> bool:
        """Return whether it is there; raise as `find` does."""
        with suppress(FileNotFoundError), _told(self.uri):
            _client(os.getpid()).head_object(**self.place)
            return True
        return False

    def read_bytes(self) -> bytes:
        """Return its bytes; raise as `find` does."""
        return self.find().content

    def write_bytes(
        self, content: bytes, *, absent: bool = False, expected: str | None = None
    ) -> str:
        """Write it, whole or not at all; return its etag.

        Args:
            content: its bytes.
            absent: only where there is no such object yet.
            expected: only where its etag is this one.

        Raises:
            ChangedError: there is one, or its etag is another.
            InputError: the store cannot be used.
        """
        condition: dict[str, str] = {"IfNoneMatch": "*"} if absent else {}
        if expected is not None:
            condition = {"IfMatch": expected}
        with _told(self.uri):
            try:
                put = _client(os.getpid()).put_object
                return put(**self.place, Body=content, **condition)["ETag"]
            except FileNotFoundError:
                raise ChangedError from None

    def copy_to(self, target: "StoredObject") -> None:
        """Let the store copy it, whole or not at all; without it nothing happens."""
        with suppress(FileNotFoundError), _told(self.uri):
            _client(os.getpid()).copy_object(**target.place, CopySource=self.place)

    def unlink(self, missing_ok: bool = True) -> None:
        """Delete it. S3 does not say whether it was there."""
        with _told(self.uri):
            _client(os.getpid()).delete_object(**self.place)


def refuse_unusable(uri: str) -> None:
    """Write, read and delete an object, to see that checkpoints can be kept below a URI.

    Raises:
        InputError: they cannot; the sentence says what is missing.
    """
    probe = StoredObject(f"{uri.rstrip('/')}/.probe-{uuid4().hex}")  # which no sentence names
    probe.write_bytes(b"May be deleted.", absent=True)
    try:
        probe.read_bytes()
        with suppress(ChangedError):
            probe.write_bytes(b"", absent=True)
            raise InputError(
                f"{uri} is in a store that ignores If-None-Match, by which one process locks a "
                "training against others: use a store that knows conditional writes."
            )
    finally:
        probe.unlink()
    with suppress(FileNotFoundError):  # without s3:ListBucket this is an error of another kind
        probe.read_bytes()


@lru_cache(maxsize=1)
def _client(pid: int) -> Any:
    """Return the process's own client: a fork must not share its parent's connections."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # Not every other store knows these; a checkpoint has a SHA-256 of its own.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn what boto3 raises into errors of Python's and sentences of ours.

    Raises:
        FileNotFoundError: there is no such object.
        ChangedError: the object is not what was expected.
        InputError: the store cannot be used.
    """
    uri = PROBE.sub("", uri)
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise InputError(
            f"{uri} needs boto3, which is not installed: install the extra s3, for instance with "
            "`make .venv/cluster`, or keep checkpoints in a folder."
        ) from None
    try:
        yield
    except ClientError as error:
        raise _of_store(uri, error) from error
    except BotoCoreError as error:
        raise _of_client(uri, error) from error
    except ValueError as error:  # of an endpoint that is no URL
        raise InputError(
            f"{uri} cannot be used ({_safe(error)}): set AWS_ENDPOINT_URL to the store's address, "
            "for instance http://127.0.0.1:8333, or unset it for Amazon's."
        ) from error


def _of_store(uri: str, error: Any) -> Exception:
    """Return the error for an answer of the store."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        bucket = uri.removeprefix(SCHEME).partition("/")[0]
        return InputError(
            f"{uri} cannot be used: the store has no bucket {bucket}. Make it, or name another."
        )
    if code in MISSING:
        return FileNotFoundError(uri)
    if code in NOT_AS_EXPECTED:
        return ChangedError()
    if code in REFUSED:
        return InputError(
            f"{uri} cannot be used: the store refuses these keys ({_safe(error)}). Use keys that "
            f"have {RIGHTS} there."
        )
    kind = UnreachableError if status >= 500 else InputError
    return kind(
        f"{uri} cannot be used ({_safe(error)}): fix the URI, AWS_ENDPOINT_URL or the bucket."
    )


def _of_client(uri: str, error: Exception) -> InputError:
    """Return the error for a request that was not answered, or not made."""
    from botocore import exceptions

    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return InputError(
            f"{uri} cannot be used without keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or AWS_PROFILE."
        )
    if isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        return UnreachableError(
            f"{uri} cannot be reached ({_safe(error)}): start the store, or set AWS_ENDPOINT_URL "
            "to its address."
        )
    return InputError(f"{uri} cannot be used ({_safe(error)}): fix AWS's settings.")


def _safe(error: BaseException) -> str:
    """Return what an error says in one line, without what stands before the @ of a URL."""
    text = PROBE.sub("", " ".join(str(error).split()))
    return without_password(text)[:300].rstrip(".")
