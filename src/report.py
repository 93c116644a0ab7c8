"""Report on a study or a multirun: one HTML page, its figures, and its numbers.

python -m src.report
python -m src.report RUN_ID
python -m src.report STUDY --reference gelu
"""

import argparse

from src.runtime import errors, heavy_imports


def main() -> None:
    """Find the runs, check them, print what they show, and write the report."""
    parser = argparse.ArgumentParser(description="Compare the activations of a study.")
    parser.add_argument(
        "wanted",
        nargs="?",
        metavar="RUN_ID|STUDY",
        help="a parent run in MLflow or the name of a study (default: the newest of either)",
    )
    parser.add_argument(
        "--reference",
        metavar="ACTIVATION",
        help="the activation that the others are compared with (default: relu)",
    )
    given = parser.parse_args()

    from src.evidence import findings, load_runs, statistics  # MLflow, once the arguments are known
    from src.tracking import store

    client = store.reader()
    runs = load_runs.load(client, given.wanted)
    reference = findings.reference_of(runs, given.reference)
    size = f"{len(runs.trainings)} activations × {len(runs.seeds)} seeds"
    print(f"{runs.title} · {size} · differences in percentage points (pp)", flush=True)
    for remark in runs.remarks:
        print(f"Note: {remark}", flush=True)
    found = findings.compute(runs, reference)
    for pair in found.pairs:
        print(statistics.verdict(pair.comparison), flush=True)

    heavy_imports.load()
    from src.reporting import page  # TensorFlow, once there is something to draw

    written = page.write(client, runs, found)
    print(f"{written}, and in MLflow's run {runs.parent_id} under {page.ARTIFACTS}/")


if __name__ == "__main__":
    errors.run(main)
