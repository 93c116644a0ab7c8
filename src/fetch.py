"""Stage 1: bring the images into data/raw, in Kaggle's Digit Recognizer layout.

Fetching the same bytes twice writes the same bytes twice.

Reads:   the section `fetch` of params.yaml, and its source: a mirror, Kaggle,
         or a folder
Writes:  data/raw: train.csv, test.csv, sample_submission.csv, solution.csv
         (only its header if the labels of test.csv are unknown) and
         provenance.json

Examples:
  python -m src.fetch  always fetches; `dvc repro fetch` only after a change
"""

from pathlib import Path
from typing import Any

import numpy as np

from src.config import compose, schema
from src.core import command_line, errors, paths
from src.core.atomic_write import writing
from src.core.checksum import sha256
from src.core.errors import InputError
from src.data import csv_files, mirrors, provenance, read_csv, sources, write_csv


def main() -> None:
    """Write data/raw, whole or not at all."""
    cfg = compose.stage(schema.Fetch)
    outputs = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)
    with writing(*outputs, paths.PROVENANCE) as (*files, manifest):
        if cfg.source == "kaggle":
            from src.data import kaggle_api

            archive = kaggle_api.download(files[0].parent)
            origins = csv_files.unpack(archive, files, kaggle_api.ARCHIVE, kaggle_api.ANOTHER_WAY)
            facts = check_csvs(origins, cfg.layout, *files)
        elif cfg.source == "files":
            assert cfg.path  # the schema requires it
            facts = check_csvs(csv_files.take(Path(cfg.path), files), cfg.layout, *files)
        else:
            facts = write_from_arrays(cfg, *files)
        digests = {file.name: sha256(file) for file in files}
        # Of a drawn data set, `sha256` has the arrays instead; a CSV's origin is itself.
        facts = {"source": cfg.source, "layout": cfg.layout, "sha256": digests} | facts
        provenance.write(manifest, facts, digests)
    rows = facts["rows"]
    print(f"{paths.RAW}: {rows['train']:,} labelled images, {rows['test']:,} test images")


def write_from_arrays(
    cfg: schema.Fetch, train: Path, test: Path, sample: Path, solution: Path
) -> dict[str, Any]:
    """Write the CSVs from a data set's four arrays; return facts for provenance.json."""
    rows = sources.LAYOUTS[cfg.layout]
    if rows is None:
        raise InputError(
            f"fetch.layout={cfg.layout} says nothing about how to split {cfg.source}: set it to "
            "kaggle (42,000 / 28,000 rows) or mnist (60,000 / 10,000) in params.yaml."
        )
    if cfg.path:
        arrays, origin = mirrors.read_folder(Path(cfg.path), cfg.source), cfg.path
    else:
        arrays, mirror = mirrors.download(cfg.source)
        origin = f"mirror {mirror}"
    print(f"{cfg.source} from {origin}: SHA-256 as published")

    images = np.concatenate([arrays[mirrors.TRAIN_IMAGES], arrays[mirrors.TEST_IMAGES]])
    labels = np.concatenate([arrays[mirrors.TRAIN_LABELS], arrays[mirrors.TEST_LABELS]])
    is_mixed = cfg.layout == "kaggle"  # Kaggle mixed MNIST's two sets and kept its order secret
    # RandomState, because NumPy has frozen its stream; a Generator's may change.
    mixed = np.random.RandomState(cfg.seed).permutation(len(images))
    ours, theirs = np.split(mixed if is_mixed else np.arange(len(images)), rows[:1])
    write_csv.images(train, images[ours], labels[ours])
    write_csv.images(test, images[theirs])
    write_csv.submission(sample, np.zeros(len(theirs), np.uint8))
    write_csv.submission(solution, labels[theirs])
    return ({"seed": cfg.seed} if is_mixed else {}) | {
        "sha256": mirrors.DATASETS[cfg.source].sha256,  # verified
        "rows": {"train": len(ours), "test": len(theirs)},
    }


def check_csvs(
    origins: dict[str, Path], layout: str, train: Path, test: Path, sample: Path, solution: Path
) -> dict[str, Any]:
    """Check a user's CSVs, whose `origins`, by file name, appear in messages; write those missing:
    sample_submission.csv with zeros, solution.csv with only its header. Return facts.
    """
    rows_train, rows_test = sources.LAYOUTS[layout] or (None, None)
    _, labels = read_csv.train(train, rows_train, origins[train.name])
    images = len(read_csv.test(test, rows_test, origins[test.name]))
    if sample.name in origins:
        read_csv.submission(sample, images, origins[sample.name])
    else:
        write_csv.submission(sample, np.zeros(images, np.uint8))
    if solution.name in origins:
        read_csv.solution(solution, images, origins[solution.name])
    else:
        write_csv.submission(solution, None)
    return {"rows": {"train": len(labels), "test": images}}


if __name__ == "__main__":
    command_line.parser("fetch", __doc__).parse_args()
    errors.run(main)
