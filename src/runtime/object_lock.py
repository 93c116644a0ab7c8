"""A lock in an S3 store: one process of all machines has it, until that releases it or is gone.

File locks guard one disk. Here the lock is an object that is only written where there is none,
or where it still is what it was; its owner writes it again every few seconds, as a sign of life.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from src.runtime import process
from src.runtime.errors import InputError
from src.runtime.object_store import ChangedError, Found, StoredObject

BEAT_SECONDS = 15
SILENT_SECONDS = 90  # after which an owner on another machine counts as gone
WATCH_SECONDS = 3  # between two looks at an owner on another machine


class TakenError(Exception):
    """Another process has the lock; the message says which, and since when it was last heard of."""


class Lock:
    """A lock that this process has, until it is released.

    Args:
        uri: of the lock's object, s3://BUCKET/KEY.
        wait: whether to watch an owner on another machine until it is known to be alive or gone.

    Raises:
        TakenError: another process has it.
        InputError: the store cannot be used.
    """

    def __init__(self, uri: str, *, wait: bool = True):
        self.object, self.beats = StoredObject(uri), 0
        self.owner, self.token = process.identity(), uuid4().hex
        self.mutex, self.released = threading.Lock(), threading.Event()
        self.etag = self._acquire(wait)
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()

    def renew(self) -> None:
        """Give a sign of life.

        Raises:
            InputError: another process has taken the lock over, since this one was silent for
                long; or the store cannot be used.
        """
        with self.mutex:
            try:
                self.etag = self.object.write_bytes(self._content(), expected=self.etag)
            except ChangedError:
                self.etag = self._regained()

    def release(self) -> None:
        """Give the lock up; one that cannot be deleted now is given up by its silence."""
        self.released.set()
        with self.mutex, suppress(InputError, FileNotFoundError):
            if _read(self.object.find()).get("token") == self.token:
                self.object.unlink()

    def _beat(self) -> None:
        while not self.released.wait(BEAT_SECONDS):
            with suppress(Exception):  # whoever writes next finds out what it is
                self.renew()

    def _content(self) -> bytes:
        """Return what the lock says, different at every beat, so that its etag is, too."""
        self.beats += 1
        says = {"owner": self.owner, "token": self.token, "beat": self.beats}
        return json.dumps(says).encode()

    def _regained(self) -> str:
        """Return the lock's etag where it is still this process's.

        An answer may have been lost after the store had written; or somebody deleted the lock.
        """
        try:
            found = self.object.find()
        except FileNotFoundError:
            with suppress(ChangedError):
                return self.object.write_bytes(self._content(), absent=True)
            found = self.object.find()
        if _read(found).get("token") != self.token:
            raise InputError(
                "Another process has taken this training over, because this one was silent for "
                f"more than {SILENT_SECONDS} seconds: let that one go on."
            )
        return found.etag

    def _acquire(self, wait: bool) -> str:
        watched = None
        while True:
            with suppress(ChangedError):
                return self.object.write_bytes(self._content(), absent=True)
            try:
                found = self.object.find()
            except FileNotFoundError:
                continue  # it has just been released
            says = _read(found)
            if says.get("token") == self.token:  # the answer to the first request was lost
                return found.etag
            owner = says.get("owner", "")
            alive = process.is_alive(owner)
            if alive is False or (alive is None and found.age > SILENT_SECONDS):
                with suppress(ChangedError):
                    return self.object.write_bytes(self._content(), expected=found.etag)
                continue  # another process was quicker
            beats = watched not in (None, found.etag)
            if alive or beats or not wait:
                raise TakenError(_holder(owner, found.age))
            if watched is None:
                print(f"Waiting to see if it is alive: {_holder(owner, found.age)}.", flush=True)
            watched = found.etag
            time.sleep(WATCH_SECONDS)


@contextmanager
def held(uri: str, *, wait: bool = True) -> Iterator[Lock]:
    """Have a lock while the block runs; arguments and errors are those of `Lock`."""
    lock = Lock(uri, wait=wait)
    try:
        yield lock
    finally:
        lock.release()


def _read(found: Found) -> dict[str, str]:
    """Return what a lock says; nothing where it is no lock of ours."""
    try:
        says = json.loads(found.content)
    except ValueError:
        return {}
    return says if isinstance(says, dict) else {}


def _holder(owner: str, age: float) -> str:
    """Return an owner in words."""
    return f"{process.described(owner)}, last heard of {max(0, age):.0f} s ago"
