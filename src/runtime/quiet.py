"""TensorFlow's libraries write start-up notices past every setting; this keeps them off."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stderr() -> Iterator[None]:
    """Send what native code writes to standard error nowhere; exceptions are not affected."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
