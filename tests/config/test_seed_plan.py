import pytest

from src.config import seed_plan
from src.config.seed_plan import SeedPlan
from src.runtime.errors import InputError


def test_a_list_of_seeds_has_no_looks():
    assert seed_plan.read([3, 1]) == SeedPlan((3, 1), ())


def test_a_plan_has_the_seeds_up_to_its_last_look():
    plan = {"until": "decided", "at_most": 6, "looks": [2, 6]}
    assert seed_plan.read(plan) == SeedPlan((1, 2, 3, 4, 5, 6), (2, 6))
    assert seed_plan.read({"until": "decided", "looks": [2, 6]}) == seed_plan.read(plan)


@pytest.mark.parametrize(
    ("at_most", "looks"), [(30, (5, 10, 20, 30)), (40, (5, 10, 20, 40)), (5, (5,)), (3, (3,))]
)
def test_a_plan_without_looks_doubles_the_seeds_at_each(at_most, looks):
    assert seed_plan.read({"until": "decided", "at_most": at_most}).looks == looks


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"until": "decided"}, "seeds has no at_most"),
        ({"at_most": 30}, "seeds.until is None, expected decided"),
        ({"until": "bored", "at_most": 30}, "seeds.until is bored"),
        ({"until": "decided", "at_mots": 30}, "seeds.at_mots is unknown. Did you mean 'at_most'"),
        ({"until": "decided", "at_most": 1}, "seeds.at_most=1 "),
        ({"until": "decided", "at_most": "ten"}, "seeds.at_most=ten "),
        ({"until": "decided", "at_most": 9, "looks": []}, "seeds.looks is "),
        ({"until": "decided", "at_most": 9, "looks": [3, "x"]}, "seeds.looks is "),
        ({"until": "decided", "at_most": 9, "looks": [5, 3, 9]}, "seeds.looks is .*more seeds"),
        ({"until": "decided", "at_most": 9, "looks": [5, 5, 9]}, "seeds.looks is .*more seeds"),
        ({"until": "decided", "at_most": 9, "looks": [1, 9]}, "seeds.looks is .*from 2"),
        ({"until": "decided", "at_most": 9, "looks": [5, 8]}, "at_most=9, but .* after 8 seeds"),
    ],
)
def test_a_plan_that_makes_no_sense_is_one_sentence(plan, said):
    with pytest.raises(InputError, match=said) as caught:
        seed_plan.read(plan)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
