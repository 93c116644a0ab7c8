import pytest

from tests.support.commands import ROOT, run

ASKED = """
import src
from mlflow.telemetry import utils
utils._IS_IN_CI_ENV_OR_TESTING = False
print(utils.is_telemetry_disabled())
"""


@pytest.mark.parametrize(
    ("wish", "printed"), [({}, "True"), ({"MLFLOW_DISABLE_TELEMETRY": "0"}, "False")]
)
def test_mlflow_reports_nothing_to_its_makers_unless_the_user_lets_it(wish, printed, tmp_path):
    (tmp_path / "asked.py").write_text(ASKED)
    done = run(tmp_path, "asked", PYTHONPATH=str(ROOT), **wish)
    assert done.stdout.strip() == printed, done.stderr
