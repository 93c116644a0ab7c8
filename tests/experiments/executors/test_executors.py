import pickle
import traceback

import pytest

from src.core.errors import InputError
from src.experiments import executors


class StubbornError(Exception):
    """An error that cannot be unpickled."""

    def __init__(self, first, second):
        super().__init__(first)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (InputError("as it must."), InputError, "as it must."),
        (StubbornError("one", "two"), RuntimeError, "StubbornError: one"),
    ],
)
def test_an_error_travels_with_its_traceback_and_if_it_cannot_its_text_does(error, kind, text):
    try:
        raise error
    except type(error) as caught:
        sent = pickle.loads(pickle.dumps(executors.portable(caught)))
    assert (type(sent), str(sent)) == (kind, text)
    assert "test_executors.py" in "".join(traceback.format_exception(sent))
