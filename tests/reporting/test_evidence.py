import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from src.analysis import findings
from src.analysis.statistics import Estimate
from src.core.errors import InputError
from src.reporting import evidence, export, page
from src.reporting.evidence import Evidence
from src.reporting.tuning_exhibits import Tuned, Tuning
from tests.support.drawn_figures import profile
from tests.support.simulated_runs import trials


@pytest.fixture(scope="module")
def whole(five_runs, five):
    """Evidence that has something of each kind."""
    tuned = {"ReLU": (Tuned(tuple(trials(0.98)), 2, "tpe"),)}
    return Evidence(
        replace(five_runs, looks=(2, 4), question="Does it matter?", remarks=("Left out: a.",)),
        five.reference,
        profile(five),
        parameters=dict.fromkeys(five.levels, 7),
        tuning=Tuning(tuned, untuned="default", gains={"ReLU": Estimate(0.1, -0.2, 0.3)}),
        images={3: np.arange(784, dtype=np.uint8).reshape(28, 28)},
        versions=("numpy 2",),
        machine="Zen 5, 8 logical cores",
    )


@pytest.fixture
def file(whole, tmp_path):
    path = tmp_path / page.EVIDENCE
    evidence.save(whole, path)
    return path


def test_from_the_file_alone_everything_follows_as_from_the_runs(whole, file):
    again = evidence.load(file)
    found, expected = (findings.compute(one.runs, one.reference) for one in (again, whole))
    assert export.as_json(again, found) == export.as_json(whole, expected)
    for table in (export.pairs_table, lambda found: export.runs_table(again.runs, found)):
        assert table(found).to_csv() == table(expected).to_csv()
    assert page.text(again, found, {}) == page.text(whole, expected, {})
    assert again.tuning == whole.tuning
    np.testing.assert_array_equal(again.images[3], whole.images[3])
    assert again.profile.costs["GELU"].medians == whole.profile.costs["GELU"].medians


def test_the_same_evidence_is_the_same_bytes_also_when_it_was_read(whole, file, tmp_path):
    second, third = tmp_path / "second.gz", tmp_path / "third.gz"
    evidence.save(whole, second)
    evidence.save(evidence.load(file), third)
    assert file.read_bytes() == second.read_bytes() == third.read_bytes()
    assert file.read_bytes()[4:8] == bytes(4)  # gzip's time


def changed(body, change):
    """Return the file's body after a change to what it has."""
    plain = json.loads(gzip.decompress(body))
    change(plain)
    return gzip.compress(json.dumps(plain).encode())


DAMAGE = {
    "cut": lambda body: body[:-20],
    "other bytes": lambda body: body[:90] + b"?" * 90 + body[180:],
    "empty": lambda body: b"",
    "no JSON": lambda body: gzip.compress(b"[1, "),
    "a list": lambda body: gzip.compress(b"[]"),
    "another version": lambda body: changed(body, lambda plain: plain.update(version=99)),
    "without runs": lambda body: changed(body, lambda plain: plain["evidence"].pop("runs")),
    "without labels": lambda body: changed(body, lambda plain: plain.pop("labels")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_or_one_of_another_version_is_refused_with_a_sentence(file, damage):
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    with pytest.raises(InputError) as refused:
        evidence.load(file)
    said = str(refused.value)
    assert said.startswith(f"{file} cannot be read (")
    assert said.endswith(f"), expected the evidence behind a report: {evidence.REMEDY}")
    assert "\n" not in said
    if damage == "another version":
        assert "(its version is 99, not 1)" in said
