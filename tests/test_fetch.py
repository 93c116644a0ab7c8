import errno
import hashlib
import json
import shutil

import numpy as np
import pytest

from src import fetch
from src.core import paths
from src.core.checksum import sha256
from src.data import mirrors, read_csv, sources, write_csv
from tests.support.kaggle_stand_in import TOKEN, archive, stand_in
from tests.support.params import set_params
from tests.support.refusal import refusal

CSVS = (paths.TRAIN_CSV, paths.TEST_CSV, paths.SAMPLE_SUBMISSION_CSV, paths.SOLUTION_CSV)
ANOTHER_WAY = (
    "run the same command again, or download it from the website, and set fetch.source=files and "
    "fetch.path to it in params.yaml."
)
FIX = "Fix the file where it came from, then fetch it again (python -m src.fetch)."
DIGIT = "expected a digit from 0 to 9."
COUNT = "expected (fetch.layout in params.yaml and test.csv say how many)."


def written():
    """Return the bytes of every file under data, by path."""
    files = (path for path in sorted(paths.RAW.parent.rglob("*")) if path.is_file())
    return {path: path.read_bytes() for path in files}


@pytest.fixture
def mnist_project(project, sample, monkeypatch):
    """A project whose mirrors give the sample; the layouts are smaller in proportion."""
    monkeypatch.setattr(mirrors, "download", lambda name: (sample, "sample"))
    monkeypatch.setitem(sources.LAYOUTS, "kaggle", (500, 300))
    monkeypatch.setitem(sources.LAYOUTS, "mnist", (600, 200))
    return project


def images_with_labels():
    images, labels = read_csv.train(paths.TRAIN_CSV)
    test_images = read_csv.test(paths.TEST_CSV)
    solution = read_csv.solution(paths.SOLUTION_CSV)
    every = np.concatenate([images, test_images]), np.concatenate([labels, solution])
    return sorted((image.tobytes(), int(label)) for image, label in zip(*every, strict=True))


def test_the_files_look_like_kaggles(mnist_project):
    fetch.main()
    train, test, sample_submission, solution = (path.read_text().splitlines() for path in CSVS)
    pixels = ",".join(f"pixel{number}" for number in range(784))
    assert train[0] == f"label,{pixels}"
    assert test[0] == pixels
    assert (len(train), len(test)) == (501, 301)
    assert train[1].count(",") == 784
    assert sample_submission[:3] == ["ImageId,Label", "1,0", "2,0"]
    assert sample_submission[-1] == "300,0"
    assert solution[0] == "ImageId,Label"
    assert len(solution) == 301


def test_the_kaggle_layout_draws_every_image_once_with_its_own_label(mnist_project, sample):
    fetch.main()
    images = np.concatenate([sample[mirrors.TRAIN_IMAGES], sample[mirrors.TEST_IMAGES]])
    labels = np.concatenate([sample[mirrors.TRAIN_LABELS], sample[mirrors.TEST_LABELS]])
    expected = [(i.tobytes(), int(n)) for i, n in zip(images, labels, strict=True)]
    assert images_with_labels() == sorted(expected)
    drawn, _ = read_csv.train(paths.TRAIN_CSV)
    assert not np.array_equal(drawn, images[:500])


def test_the_draw_of_the_kaggle_layout_never_changes():
    order = np.random.RandomState(2017).permutation(70_000).astype("<u4")
    assert order[:5].tolist() == [6874, 13094, 60821, 13270, 42537]
    assert (
        hashlib.sha256(order).hexdigest()
        == "c66c47f1f2544853698809cd7e2e25ccd44744d2a57444ab4fb9cc2d5625b44f"
    )


def test_the_mnist_layout_keeps_the_official_order(mnist_project, sample):
    set_params("fetch", layout="mnist")
    fetch.main()
    images, labels = read_csv.train(paths.TRAIN_CSV, 600)
    assert np.array_equal(images, sample[mirrors.TRAIN_IMAGES])
    assert np.array_equal(labels, sample[mirrors.TRAIN_LABELS])
    assert np.array_equal(read_csv.test(paths.TEST_CSV, 200), sample[mirrors.TEST_IMAGES])
    assert np.array_equal(read_csv.solution(paths.SOLUTION_CSV), sample[mirrors.TEST_LABELS])
    assert "seed" not in json.loads(paths.PROVENANCE.read_text())


def test_another_mirror_gives_the_same_bytes_and_another_seed_another_draw(
    mnist_project, sample, monkeypatch
):
    fetch.main()
    first = written()
    monkeypatch.setattr(mirrors, "download", lambda name: (sample, "other"))
    fetch.main()
    assert written() == first
    assert len(first) == 5
    set_params("fetch", seed=1)
    fetch.main()
    assert [path for path in first if written()[path] == first[path]] == [
        paths.SAMPLE_SUBMISSION_CSV
    ]
    assert json.loads(paths.PROVENANCE.read_text())["seed"] == 1


def test_provenance_and_the_output_say_what_was_fetched(mnist_project, capsys):
    fetch.main()
    assert json.loads(paths.PROVENANCE.read_text()) == {
        "source": "mnist",
        "layout": "kaggle",
        "seed": 2017,
        "sha256": mirrors.MNIST.sha256,
        "rows": {"train": 500, "test": 300},
        "files": {path.name: sha256(path) for path in CSVS},
    }
    assert capsys.readouterr().out.splitlines() == [
        "mnist from mirror sample: SHA-256 as published",
        "data/raw: 500 labelled images, 300 test images",
    ]


def test_a_path_is_read_instead_of_a_mirror(mnist_project, sample, monkeypatch, tmp_path):
    monkeypatch.setattr(mirrors, "download", lambda name: pytest.fail("was asked"))
    monkeypatch.setattr(mirrors, "read_folder", lambda folder, name: sample)
    set_params("fetch", path=str(tmp_path))
    fetch.main()
    assert paths.TRAIN_CSV.is_file()


def test_the_layout_any_says_nothing_about_mnist(mnist_project):
    set_params("fetch", layout="any")
    said = "fetch.layout=any says nothing about how to split mnist: set it to kaggle"
    assert refusal(fetch.main).startswith(said)
    assert not written()


def test_files_are_copied_as_they_are(small_project, small_mnist):
    fetch.main()
    for path in small_mnist.iterdir():
        assert (paths.RAW / path.name).read_bytes() == path.read_bytes()
    facts = json.loads(paths.PROVENANCE.read_text())
    assert facts["rows"] == {"train": 600, "test": 200}
    assert facts["files"] == facts["sha256"]
    assert facts["files"] == {path.name: sha256(small_mnist / path.name) for path in CSVS}


def test_files_without_a_solution_replace_an_earlier_one_by_its_header(small_project, small_mnist):
    fetch.main()
    assert read_csv.solution(paths.SOLUTION_CSV) is not None
    shutil.copytree(small_mnist, "given", ignore=shutil.ignore_patterns("solution.csv"))
    set_params("fetch", path="given")
    fetch.main()
    assert paths.SOLUTION_CSV.read_text() == "ImageId,Label\n"
    assert read_csv.solution(paths.SOLUTION_CSV) is None


def test_a_missing_sample_submission_is_written(small_project, small_mnist):
    shutil.copytree(small_mnist, "given", ignore=shutil.ignore_patterns("sample_submission.csv"))
    set_params("fetch", path="given")
    fetch.main()
    expected = (small_mnist / "sample_submission.csv").read_bytes()
    assert paths.SAMPLE_SUBMISSION_CSV.read_bytes() == expected


def packed(folder, names, inside=""):
    """Return a zip archive of some of a folder's files."""
    return archive({f"{inside}{name}": (folder / name).read_bytes() for name in names})


KAGGLES = ("train.csv", "test.csv", "sample_submission.csv")


@pytest.fixture
def kaggle(project, tmp_path_factory, monkeypatch):
    """Kaggle, as it answers to the default credentials; a project that fetches from it."""
    set_params("fetch", source="kaggle", layout="any")
    with stand_in(tmp_path_factory.mktemp("home"), monkeypatch) as running:
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client's pauses
        yield running


def test_kaggles_files_come_without_a_solution(kaggle, small_mnist):
    kaggle.archive = packed(small_mnist, KAGGLES)
    fetch.main()
    assert paths.TRAIN_CSV.read_bytes() == (small_mnist / "train.csv").read_bytes()
    assert read_csv.solution(paths.SOLUTION_CSV) is None
    facts = json.loads(paths.PROVENANCE.read_text())
    assert facts["source"] == "kaggle"
    assert facts["sha256"] == facts["files"]
    assert len(list(paths.RAW.iterdir())) == 5


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            lambda content: content[:-30],
            f" cannot be read (File is not a zip file), expected a zip archive: {ANOTHER_WAY}",
        ),
        (
            lambda content: archive({"train.csv": b"x"}),
            " has no test.csv: fetch needs train.csv and test.csv in Kaggle's layout there.",
        ),
    ],
    ids=["truncated", "a file is missing"],
)
def test_a_bad_download_leaves_what_was_there(kaggle, project, small_mnist, harm, said):
    kaggle.archive = packed(small_mnist, KAGGLES)
    fetch.main()
    kaggle.archive = harm(kaggle.archive)
    assert refusal(fetch.main, unchanged=project) == f"Kaggle's digit-recognizer.zip{said}"


def test_a_download_that_ends_early_leaves_what_was_there(kaggle, project, small_mnist):
    kaggle.archive = packed(small_mnist, KAGGLES)
    fetch.main()
    kaggle.cut = 30
    refusal(fetch.main, unchanged=project)


def test_a_zip_archive_is_read_like_a_folder(small_project, small_mnist):
    fetch.main()
    of_the_folder = written()
    names = (*KAGGLES, "solution.csv")
    (small_project / "digits.zip").write_bytes(packed(small_mnist, names, "digit-recognizer/"))
    set_params("fetch", path="digits.zip")
    fetch.main()
    assert written() == of_the_folder


def test_a_bad_csv_is_called_by_its_place_in_the_archive(small_project, small_mnist):
    content = b"ImageId,Label\n1,77\n"
    files = {f"in/{name}": (small_mnist / name).read_bytes() for name in KAGGLES}
    (small_project / "digits.zip").write_bytes(archive(files | {"in/solution.csv": content}))
    set_params("fetch", path="digits.zip")
    assert refusal(fetch.main) == (
        "digits.zip/in/solution.csv, column Label, data row 1: found '77', expected a digit from 0 "
        f"to 9. {FIX}"
    )
    assert not written()


def empty(path):
    path.write_bytes(b"")


def with_cell(row, column, text):
    def change(path):
        lines = path.read_text().split("\n")
        cells = lines[row].split(",")
        cells[column] = text
        lines[row] = ",".join(cells)
        path.write_text("\n".join(lines))

    return change


def shorten(path):
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        ("train.csv", with_cell(7, 0, "77"), f", column label, data row 7: found '77', {DIGIT}"),
        ("solution.csv", with_cell(9, 1, "77"), f", column Label, data row 9: found '77', {DIGIT}"),
        ("solution.csv", shorten, f" has 199 data rows, 200 {COUNT}"),
        ("sample_submission.csv", shorten, f" has 199 data rows, 200 {COUNT}"),
        ("solution.csv", empty, " is empty: expected ImageId,Label."),
    ],
)
def test_a_bad_csv_is_refused_by_its_own_name_before_anything_is_written(
    small_project, small_mnist, name, harm, said
):
    fetch.main()
    given = small_project / "given"
    shutil.copytree(small_mnist, given)
    harm(given / name)
    set_params("fetch", path="given")
    assert refusal(fetch.main, unchanged=small_project) == f"given/{name}{said} {FIX}"


def test_csvs_of_another_length_than_the_layout_are_refused(small_project, small_mnist):
    set_params("fetch", layout="kaggle")
    said = f"{small_mnist}/train.csv has 600 data rows, 42,000 {COUNT} {FIX}"
    assert refusal(fetch.main) == said
    assert not written()


def test_a_full_disk_leaves_the_earlier_data_whole(mnist_project, monkeypatch):
    fetch.main()
    before = written()

    def full(path, labels):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(write_csv, "submission", full)
    set_params("fetch", seed=1)
    with pytest.raises(OSError, match="No space left"):
        fetch.main()
    assert written() == before
