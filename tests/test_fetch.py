import hashlib
import json
import re
import shutil

import numpy as np
import pytest

from src import fetch
from src.core import paths
from src.core.checksum import sha256
from src.data import mirrors, read_csv, sources
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


def with_labels(images, labels, test_images, solution):
    every = np.concatenate([images, test_images]), np.concatenate([labels, solution])
    return sorted((image.tobytes(), int(label)) for image, label in zip(*every, strict=True))


def fetched():
    """Return the four arrays of data/raw."""
    test_images, solution = read_csv.test(paths.TEST_CSV), read_csv.solution(paths.SOLUTION_CSV)
    return *read_csv.train(paths.TRAIN_CSV), test_images, solution


def test_the_kaggle_layout_draws_every_image_once_with_its_own_label(mnist_project, sample):
    fetch.main()
    assert with_labels(*fetched()) == with_labels(*(sample[name] for name in mirrors.FILES))
    assert not np.array_equal(fetched()[0], sample[mirrors.TRAIN_IMAGES][:500])


def test_the_draw_of_the_kaggle_layout_never_changes():
    order = np.random.RandomState(2017).permutation(70_000).astype("<u4")
    digest = "c66c47f1f2544853698809cd7e2e25ccd44744d2a57444ab4fb9cc2d5625b44f"
    assert hashlib.sha256(order).hexdigest() == digest


def test_the_mnist_layout_keeps_the_official_order(mnist_project, sample):
    set_params("fetch", layout="mnist")
    fetch.main()
    for name, array in zip(mirrors.FILES, fetched(), strict=True):
        assert np.array_equal(array, sample[name])
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


def test_a_missing_sample_submission_is_written_and_an_earlier_solution_replaced_by_its_header(
    small_project, small_mnist
):
    fetch.main()
    assert read_csv.solution(paths.SOLUTION_CSV) is not None
    shutil.copytree(small_mnist, "given", ignore=shutil.ignore_patterns("s*.csv"))
    set_params("fetch", path="given")
    fetch.main()
    assert paths.SOLUTION_CSV.read_text() == "ImageId,Label\n"
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


def test_kaggles_files_have_no_solution_and_a_bad_download_leaves_them(
    kaggle, small_mnist, project
):
    kaggle.archive = packed(small_mnist, KAGGLES)
    fetch.main()
    assert paths.TRAIN_CSV.read_bytes() == (small_mnist / "train.csv").read_bytes()
    assert read_csv.solution(paths.SOLUTION_CSV) is None
    facts = json.loads(paths.PROVENANCE.read_text())
    assert facts["source"] == "kaggle"
    assert facts["sha256"] == facts["files"]
    assert len(list(paths.RAW.iterdir())) == 5
    kaggle.cut = 30
    refusal(fetch.main, unchanged=project)
    kaggle.cut, kaggle.archive = 0, kaggle.archive[:-30]
    assert refusal(fetch.main, unchanged=project) == (
        "Kaggle's digit-recognizer.zip cannot be read (File is not a zip file), expected a zip "
        f"archive: {ANOTHER_WAY}"
    )


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
    said = f"digits.zip/in/solution.csv, column Label, data row 1: found '77', {DIGIT} {FIX}"
    assert refusal(fetch.main) == said
    assert not written()


def with_77(text):
    return re.sub(r"\n9,\d", "\n9,77", text)


def shorter(text):
    return "\n".join(text.splitlines()[:-1])


def nothing(text):
    return ""


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        ("solution.csv", with_77, f", column Label, data row 9: found '77', {DIGIT}"),
        ("solution.csv", shorter, f" has 199 data rows, 200 {COUNT}"),
        ("sample_submission.csv", shorter, f" has 199 data rows, 200 {COUNT}"),
        ("solution.csv", nothing, " is empty: expected ImageId,Label."),
    ],
)
def test_a_bad_csv_is_refused_by_its_own_name_before_anything_is_written(
    small_project, small_mnist, name, harm, said
):
    fetch.main()
    given = shutil.copytree(small_mnist, small_project / "given")
    (given / name).write_text(harm((given / name).read_text()))
    set_params("fetch", path="given")
    assert refusal(fetch.main, unchanged=small_project) == f"given/{name}{said} {FIX}"


def test_csvs_of_another_length_than_the_layout_are_refused(small_project, small_mnist):
    set_params("fetch", layout="kaggle")
    said = f"{small_mnist}/train.csv has 600 data rows, 42,000 {COUNT} {FIX}"
    assert refusal(fetch.main) == said
    assert not written()
