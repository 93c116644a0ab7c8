from dataclasses import replace

import pytest

from src.analysis import findings
from src.reporting import factor_exhibits
from tests.support.simulated_runs import levels_of

SIZES = {"wide": {"parameters": "230000"}, "small": {"parameters": "60000"}}


@pytest.mark.parametrize(
    ("models", "drawn"), [(["compact", "lenet5"], True), (["compact", "compact"], False)]
)
def test_variants_of_different_models_are_drawn_against_their_cost(models, drawn):
    runs = levels_of(
        "variant", {"wide": -0.4, "small": 0}, (1, 2), images=100, epochs=2, tags=SIZES
    )
    trainings = {
        name: tuple(replace(one, params={**one.params, "model": model}) for one in ones)
        for model, (name, ones) in zip(models, runs.trainings.items(), strict=True)
    }
    runs = replace(runs, trainings=trainings)
    brought = factor_exhibits.of(None, runs, findings.compute(runs, "wide"))
    assert ("pareto" in [one.name for one in brought.exhibits]) is drawn
