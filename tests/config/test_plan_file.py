import pytest

from src.config import plan_file, study_file
from src.runtime.errors import InputError
from src.studies import design


def test_a_level_of_the_wrong_kind_is_to_be_fixed_in_the_studys_own_file(tmp_path, monkeypatch):
    text = (study_file.STUDIES / "learning_rate.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("overrides", "reference"))]
    changed = "\n".join(lines).replace("optimizer.learning_rate", "epochs")
    (tmp_path / "odd.yaml").write_text(
        changed.replace("[0.00325, 0.0065, 0.013, 0.026, 0.052]", "[one, 2]") + "\nreference: 2\n"
    )
    monkeypatch.setattr(study_file, "STUDIES", tmp_path)
    with pytest.raises(InputError) as refused:
        design.compositions(study_file.load("odd"))
    found = str(plan_file.located("conf/study/odd.yaml", refused.value))
    assert found.startswith("conf/study/odd.yaml: ")
    assert "one" in found
    assert found.endswith("Fix it in that file.")
