import sys

import pytest

from benchmarks import serving
from src.core.errors import InputError
from tests.support.servers import free_port


def test_the_error_of_a_server_that_ends_is_passed_on(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InputError, match=r"^The server ended: "), serving.served(free_port()):
        pass
