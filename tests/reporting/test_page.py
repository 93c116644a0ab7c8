import json

import numpy as np

from src.data import mirrors
from src.reporting import page
from src.runtime import paths
from tests.support.simulated_runs import COUNTS, DIGEST


def test_only_the_images_that_the_runs_were_scored_on_are_shown(
    five_runs, sample, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    images = np.concatenate([sample[mirrors.TEST_IMAGES]] * 5)
    paths.PROCESSED.mkdir(parents=True)

    def found(digest, count):
        np.savez(paths.TEST, images=images[:count])
        paths.DATASET.write_text(json.dumps({"name": "mnist", "digest": digest, "counts": COUNTS}))
        return page.held_out_images(five_runs)

    assert np.array_equal(found(DIGEST, 1000), images)
    assert found("ab" * 32, 1000) is None
    assert found(DIGEST, 999) is None
    paths.TEST.write_bytes(b"damaged")
    assert page.held_out_images(five_runs) is None


def test_no_line_ends_between_a_number_and_what_belongs_to_it():
    assert page.unbroken("0.04 pp (p = 0.03), p < 0.001, 2 ns") == (
        "0.04\xa0pp (p\xa0=\xa00.03), p\xa0<\xa00.001, 2\xa0ns"
    )
