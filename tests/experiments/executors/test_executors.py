import pickle
import traceback

from src.core.errors import InputError
from src.experiments import executors


class StubbornError(Exception):
    """An error that cannot be unpickled."""

    def __init__(self, first, second):
        super().__init__(first)


def sent(error):
    try:
        raise error
    except type(error) as caught:
        return pickle.loads(pickle.dumps(executors.portable(caught)))


def test_an_error_travels_with_its_traceback():
    error = sent(ZeroDivisionError("a defect"))
    assert isinstance(error, ZeroDivisionError)
    assert "test_executors.py" in "".join(traceback.format_exception(error))
    assert str(sent(InputError("as it must."))) == "as it must."


def test_an_error_that_cannot_be_pickled_is_replaced_by_its_text():
    error = sent(StubbornError("one", "two"))
    assert str(error) == "StubbornError: one"
    assert "test_executors.py" in "".join(traceback.format_exception(error))
