import sys
import time

import numpy as np
import pytest

from benchmarks import serving
from src.runtime.errors import InputError
from tests.support.servers import free_port

IMAGES = np.zeros((100, 28, 28), np.uint8)


def test_one_image_takes_the_median_of_its_requests():
    asked = []

    def ask(image):
        asked.append(image.shape)
        time.sleep(0.2 if len(asked) == 1 else 0.001)

    assert 1 <= serving.one_image(ask, IMAGES) < 100
    assert asked == [(28, 28)] * serving.SINGLES


def test_many_images_are_one_request():
    asked = []

    def ask(images):
        asked.append(len(images))
        time.sleep(0.1)

    assert 500 < serving.many_images(ask, IMAGES) <= 1000
    assert asked == [100]


def test_the_goal_is_of_the_milliseconds_and_the_throughput_is_compared_with_the_network():
    names = ("one, alone", "one, served", "many, alone", "many, served")
    values = ([2.0, 2.0], [9.0, 11.0], [8000.0, 8000.0], [4000.0, 2000.0])
    table = serving.rows(dict(zip(names, values, strict=True)))
    assert table[1].goal.is_met(10)
    assert table[1].ratios == []
    assert table[3].ratios == [0.5, 0.25]


def test_a_server_that_ends_is_told_with_its_own_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(InputError, match=r"^The server ended: "), serving.served(free_port()):
        pass
