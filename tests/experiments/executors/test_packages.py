import platform
from importlib.metadata import version

from src.experiments.executors import packages
from src.experiments.executors.packages import Installed

LOCK = """\
# a comment
keras==1.0 \\
    --hash=sha256:00
    # via nobody
no-such-package==2.0
psycopg[binary]==3.0 ; sys_platform == 'linux'
numpy==1.0
"""
PYTHON = ".".join(platform.python_version_tuple()[:2])


def test_what_is_installed_of_a_lock_is_told_by_its_own_version(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(LOCK)
    found = packages.here(lock)
    assert found.python == PYTHON
    assert {"keras": version("keras"), "numpy": version("numpy")}.items() <= found.packages.items()
    assert "no-such-package" not in found.packages
    assert packages.difference(found) is None


def test_another_python_is_named_with_both_versions():
    assert packages.difference(Installed("2.7", {})) == f"Python {PYTHON} there, 2.7 here"


def test_other_packages_are_named_with_both_versions_and_not_too_many_of_them():
    wanted = Installed(PYTHON, {"numpy": "0.1", "keras": version("keras"), "absent": "1"})
    assert packages.difference(wanted) == (
        f"numpy {version('numpy')} there, 0.1 here; absent is missing there, 1 here"
    )
    many = Installed(PYTHON, {f"absent{number}": "1" for number in range(5)})
    assert packages.difference(many).endswith("absent2 is missing there, 1 here, and 2 more")
