"""Say how often equally accurate models score as far apart as two given scores.

One run of each of two models, scored on so many images, differs by chance. The
first sentence is on models that are each scored on images of their own, at
the pooled accuracy of the two scores. With --like the second sentence is on
the same images. It takes from the study how much two runs that differ in the
seed alone disagree, and how much the seed adds to that, both relative to
independent errors. It does not say whether the given gap arose so.

Reads:   reports/STUDY/results.json, with --like
Writes:  outputs/gap.png, or another file with --out

Examples:
  python -m src.gap 0.99457 0.99671 --images 7000
  python -m src.gap 0.99457 0.99671 --images 7000 --like notebook
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from src.core import atomic_write, command_line, errors, paths
from src.core.errors import InputError
from src.core.read_json import read_json

if TYPE_CHECKING:  # SciPy
    from src.analysis.gap import SeedNoise


def main() -> None:
    """Check the scores, print both sentences, and write the figure."""
    parser = command_line.parser("gap", __doc__)
    of_scores = "two accuracies as printed, with all their digits, for example 0.99457"
    parser.add_argument("scores", nargs=2, metavar="SCORE", help=of_scores)
    of_images = "how many images each score is over (Kaggle's public leaderboard may score a share)"
    parser.add_argument("--images", type=int, required=True, metavar="N", help=of_images)
    of_study = "a study with a report, whose runs show how the seed alone changes the errors"
    parser.add_argument("--like", metavar="STUDY", help=of_study)
    of_figure = "where the figure goes, a PNG (default: %(default)s)"
    parser.add_argument("--out", type=Path, default=paths.GAP, metavar="FILE", help=of_figure)
    given = parser.parse_args()
    if given.out.suffix != ".png" or given.out.is_dir():
        raise InputError(f"--out {given.out}: expected a file that ends in .png.")

    from src.analysis import gap  # SciPy, once the arguments are known

    first, second = (gap.right_answers(score, given.images) for score in given.scores)
    if first == second:
        alike = f"{' and '.join(given.scores)} are both {first:,} of {given.images:,} images"
        raise InputError(f"{alike}: give two scores that differ.")
    noise = _noise(given.like) if given.like else None
    found = gap.of((first, second), given.images, noise)

    from matplotlib import rc_context

    from src.evaluation import figures, style
    from src.reporting import gap as shown

    print("\n".join(shown.sentences(found, tuple(given.scores), given.like)), flush=True)
    with atomic_write.writing(given.out) as [file], rc_context(style.STYLE):
        figures.save(shown.figure(found, given.like), file)
    print(given.out)


def _noise(study: str) -> SeedNoise:
    """Return what the seed alone changes, by the numbers of a study's report."""
    from src.analysis import gap

    known = sorted(path.parent.name for path in paths.REPORTS.glob(f"*/{paths.RESULTS}"))
    if study not in known:
        choose = f"choose one of {', '.join(known)}" if known else "there is none yet"
        raise InputError(
            f"--like {study}: {paths.REPORTS}/ has no report on such a study. "
            f"{errors.did_you_mean(study, known)}Without one of its own, {choose}."
        )
    path, remedy = paths.REPORTS / study / paths.RESULTS, f"run `python -m src.report {study}`."
    results = read_json(path, {"levels": dict, "images": int, "error_overlap": list}, remedy)
    with errors.parsing(path, remedy):
        accuracies = [level["accuracy"] for level in results["levels"].values()]
        own = [row[place] for place, row in enumerate(results["error_overlap"])]
        return gap.seed_noise(accuracies, own, results["images"])


if __name__ == "__main__":
    errors.run(main)
