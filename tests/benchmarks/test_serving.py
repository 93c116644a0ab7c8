import sys
import time

import numpy as np
import pytest

from benchmarks import serving
from src.runtime.errors import InputError
from tests.support.servers import free_port

IMAGES = np.zeros((100, 28, 28), np.uint8)


def test_one_image_takes_the_median_of_its_requests_and_many_are_one_request():
    asked = []

    def ask(images):
        asked.append(images.shape)
        time.sleep(0.1 if len(asked) in (1, serving.SINGLES + 1) else 0.001)

    assert 1 <= serving.one_image(ask, IMAGES) < 50
    assert asked == [(28, 28)] * serving.SINGLES
    assert 100 < serving.many_images(ask, IMAGES) <= 1000
    assert asked[serving.SINGLES :] == [IMAGES.shape]


def test_the_error_of_a_server_that_ends_is_passed_on(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InputError, match=r"^The server ended: "), serving.served(free_port()):
        pass
