import pytest

from src.core.alone import alone
from src.core.errors import InputError


def test_a_second_process_is_refused_until_the_first_has_ended(project):
    with alone("study-a", "never"):
        with alone("study-b", "never"):
            pass
        with (
            pytest.raises(InputError, match=r"^The study a is running in another process\.$"),
            alone("study-a", "The study a is running in another process."),
        ):
            pass
    with alone("study-a", "never"):
        pass
