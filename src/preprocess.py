"""Stage 2: check data/raw and convert it to training, validation and test arrays.

Reads:   the section `preprocess` of params.yaml, and data/raw
Writes:  data/processed: train.npz and valid.npz (images, labels), test.npz
         (images), dataset.json and two figures

Examples:
  python -m src.preprocess  always runs; `dvc repro preprocess` only if needed
"""

import json
from dataclasses import asdict

import numpy as np

from src.config import compose
from src.config.schema import Preprocess
from src.core import command_line, errors, paths
from src.core.atomic_write import writing
from src.data import provenance, read_csv, sources, split
from src.data.dataset import Dataset, digest
from src.data.digits import CLASSES

CLASS_BALANCE = paths.DATA_FIGURES / "class_balance.png"
SAMPLE_DIGITS = paths.DATA_FIGURES / "sample_digits.png"


def main() -> None:
    """Write data/processed, whole or not at all."""
    cfg = compose.stage(Preprocess)
    read = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV)
    source, layout, fetch_seed = provenance.verify(*read)
    rows_train, rows_test = sources.LAYOUTS[layout] or (None, None)
    images, labels = read_csv.train(paths.TRAIN_CSV, rows_train)
    test_images = read_csv.test(paths.TEST_CSV, rows_test)
    read_csv.submission(paths.SAMPLE_SUBMISSION_CSV, len(test_images))

    train, valid = split.by_fraction(labels, cfg.valid_fraction, cfg.seed)
    parts = {
        paths.TRAIN: {"images": images[train], "labels": labels[train]},
        paths.VALID: {"images": images[valid], "labels": labels[valid]},
        paths.TEST: {"images": test_images},
    }
    counts = {path.stem: len(arrays["images"]) for path, arrays in parts.items()}
    dataset = Dataset(f"{source}-{layout}", digest(parts), counts, fetch_seed)

    from src.evaluation import figures

    per_class = [np.bincount(labels[part], minlength=CLASSES) for part in (train, valid)]
    # The description comes last, because readers compare the arrays with it.
    with writing(*parts, CLASS_BALANCE, SAMPLE_DIGITS, paths.DATASET) as files:
        *archives, class_balance, sample_digits, description = files
        for file, arrays in zip(archives, parts.values(), strict=True):
            np.savez(file, **arrays)
        description.write_text(json.dumps(asdict(dataset), indent=2) + "\n")
        figures.save(figures.class_balance(*per_class), class_balance)
        figures.save(figures.sample_images(**parts[paths.TRAIN], seed=cfg.seed), sample_digits)
    print(
        f"{paths.PROCESSED}: {counts['train']:,} training, {counts['valid']:,} validation and "
        f"{counts['test']:,} test images of {dataset.name} ({dataset.digest[:12]})"
    )


if __name__ == "__main__":
    command_line.parser("preprocess", __doc__).parse_args()
    errors.run(main)
