import json

import numpy as np
import pandas as pd

from src.analysis import findings
from src.core import paths
from src.data import mirrors
from src.reporting import exhibits, page
from src.reporting.factor_exhibits import Brought
from src.tracking import run_tags
from tests.support.simulated_runs import COUNTS, DIGEST, with_trainings


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


def test_where_no_times_may_be_compared_the_page_says_why(short_runs):
    processors = {"ReLU": "Zen 5", "Swish": "Xeon"}

    def two_epochs(one, name):
        history = pd.concat([one.history, one.history.assign(epoch=2)], ignore_index=True)
        return {"tags": {**one.tags, run_tags.PROCESSOR: processors[name]}, "history": history}

    runs = with_trainings(short_runs, two_epochs)
    found = findings.compute(runs, "ReLU")
    assert {one.name for one in exhibits.of(found, None, None)}.isdisjoint({"epoch_time"})
    text = page.text(runs, found, Brought([]), {}, images_at_hand=False)
    assert "There is no ratio for Swish: the runs of one seed ran on" in text
    assert "only one epoch" not in text
