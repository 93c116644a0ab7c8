"""The held-out labels decide nothing: only `evaluation` parses solution.csv."""

import ast

import pytest

from tests.support.commands import ROOT

FILE, PATH, PARSER = "solution.csv", "SOLUTION_CSV", "solution"
# Modules that may name the file or its parser, beside src/evaluation, and why.
ALLOWED = {
    "src/core/paths.py": "defines the path",
    "src/fetch.py": "writes the file, and checks a user's own",
    "src/experiments/executors/data_transfer.py": "copies the file unread",
    "benchmarks/references/pandas_numpy.py": "writes the file",
}


def named(source):
    """Return how a module's code, not its docstrings, names solution.csv, its path or its parser
    in src/data/read_csv.py.
    """
    found, tree = set(), ast.parse(source)
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            found |= {name for name in (FILE, PATH) if name in node.value}
            found |= {PARSER} if node.value == PARSER else set()
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            found |= {name} & ({PATH} if isinstance(node, ast.Name) else {PATH, PARSER})
        elif isinstance(node, ast.alias):
            found |= {node.name} & {PATH, PARSER}
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("read_csv.solution(path)", {PARSER}),
        ("from src.data.read_csv import solution as answers", {PARSER}),
        ("getattr(read_csv, 'solution')", {PARSER}),
        ("pd.read_csv(paths.SOLUTION_CSV)", {PATH}),
        ("from src.core.paths import SOLUTION_CSV as data", {PATH}),
        ("(paths.RAW / 'solution.csv').read_text()", {FILE}),
        ("open(f'{folder}/solution.csv')", {FILE}),
        (
            "def main():\n    '''Reads solution.csv.'''\n    solution = 1\n    print(solution)",
            set(),
        ),
        ("read_csv.submission(paths.SAMPLE_SUBMISSION_CSV)", set()),
    ],
)
def test_every_way_to_the_labels_is_noticed_and_prose_is_not(source, expected):
    assert named(source) == expected


def test_no_other_module_than_evaluation_parses_the_held_out_labels():
    files = [file for folder in ("src", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    found = {file.relative_to(ROOT).as_posix(): named(file.read_text()) for file in files}
    naming = {name for name, how in found.items() if how}
    assert naming - ALLOWED.keys() == {"src/evaluation/held_out_labels.py"}
    assert ALLOWED.keys() <= naming  # an exception that is not needed is none
    copied = found["src/experiments/executors/data_transfer.py"]
    assert PARSER not in copied
