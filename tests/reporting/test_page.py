import json
from dataclasses import replace

import numpy as np
import pandas as pd

from src.analysis import findings
from src.data import mirrors
from src.reporting import exhibits, page
from src.reporting.factor_exhibits import Brought
from src.runtime import paths
from src.tracking import run_tags
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


def test_where_no_times_may_be_compared_the_page_says_why(short_runs):
    told = {"ReLU": "Zen 5", "Swish": "Xeon"}
    trainings = {
        name: tuple(
            replace(
                one,
                tags={**one.tags, run_tags.PROCESSOR: told[name]},
                history=pd.concat([one.history, one.history.assign(epoch=2)], ignore_index=True),
            )
            for one in ones
        )
        for name, ones in short_runs.trainings.items()
    }
    runs = replace(short_runs, trainings=trainings)
    found = findings.compute(runs, "ReLU")
    assert {one.name for one in exhibits.of(found, None, None)}.isdisjoint({"epoch_time"})
    page_text = page.render(runs, found, Brought([]), {}, images_at_hand=False)[page.PAGE]
    assert "There is no ratio for Swish: the runs of one seed were made on" in page_text
    assert "only one epoch" not in page_text
