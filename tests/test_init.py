import subprocess
import sys

import pytest

from tests.support.commands import ROOT, environment

ASKED = """
import src
from mlflow.telemetry import utils
utils._IS_IN_CI_ENV_OR_TESTING = False
print(utils.is_telemetry_disabled())
"""


@pytest.mark.parametrize(
    ("wish", "said"), [({}, "True"), ({"MLFLOW_DISABLE_TELEMETRY": "0"}, "False")]
)
def test_mlflow_reports_nothing_to_its_makers_unless_the_user_lets_it(wish, said):
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=ROOT,
        env=environment(**wish),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == said, done.stderr
