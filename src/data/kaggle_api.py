"""Kaggle's Digit Recognizer, through Kaggle's own client, which signs in when it is imported, and
prints and ends the process if that fails: so it is imported late, and silenced.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from src.core.errors import InputError, one_line

if TYPE_CHECKING:
    from kaggle.api.kaggle_api_extended import KaggleApi
    from kagglesdk.competitions.types.competition_api_service import ApiSubmission
    from requests import Response

COMPETITION = "digit-recognizer"
ARCHIVE = f"Kaggle's {COMPETITION}.zip"  # in error messages
ANOTHER_WAY = (
    "run the same command again, or download it from the website, and set fetch.source=files and "
    "fetch.path to it in params.yaml."
)
RULES = f"https://www.kaggle.com/c/{COMPETITION}/rules"
SUBMISSIONS = f"https://www.kaggle.com/competitions/{COMPETITION}/submissions"
TOKENS = "https://www.kaggle.com/settings/api"
TIMEOUT_SECONDS = 600
POLL_SECONDS = 5
LISTED = 100  # submissions to look through, newest first

NO_CREDENTIALS = (
    "Kaggle asks who you are, and there are no credentials in KAGGLE_API_TOKEN, "
    "~/.kaggle/access_token, KAGGLE_USERNAME with KAGGLE_KEY, kaggle.json (in KAGGLE_CONFIG_DIR, "
    "~/.kaggle or ~/.config/kaggle), nor from `kaggle auth login`: make a token at "
    f"{TOKENS} and put it in one of these places."
)
REMEDIES = {
    400: "fix what it names (a daily limit of submissions ends at midnight UTC)",
    401: f"make a new token at {TOKENS} and put it in place of the old one",
    403: f"accept the competition's rules at {RULES} with the account of your credentials",
    429: "wait (a daily limit of submissions ends at midnight UTC) and run the same command again",
}
# Called with a submission's number and the seconds waited: with 0 at first, then before each pause.
Waiting = Callable[[int, float], object]


class UnavailableError(InputError):
    """Kaggle is not available now; the same request may succeed later."""


class Score(NamedTuple):
    """A submission's number, and its score on the public part of the test set."""

    ref: int
    public_score: float


def download(folder: Path) -> Path:
    """Download the archive of CSVs; return its path. Raise InputError as `submit` does."""
    api = _sign_in()
    with _kaggle_errors("download the data"):
        api.competition_download_files(COMPETITION, path=str(folder), quiet=True)
    return folder / f"{COMPETITION}.zip"


def submit(path: Path, message: str, timeout_seconds: float, waiting: Waiting) -> Score:
    """Submit a CSV with a description and wait for its score; raise InputError if it fails."""
    api = _sign_in()
    with _kaggle_errors(f"submit {path}"):
        answer = api.competition_submit(str(path), message, COMPETITION, quiet=True)
    if answer.message == api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
        raise UnavailableError(
            f"Could not submit {path}: Kaggle's storage did not take the file; nothing was "
            "submitted, run the same command again later."
        )
    if not answer.ref:
        raise InputError(
            f"Kaggle gave no number to the submission of {path} (it says {answer.message!r}): "
            f"check at {SUBMISSIONS} whether it has arrived."
        )
    return _await_score(api, answer.ref, timeout_seconds, waiting)


def score(ref: int, timeout_seconds: float, waiting: Waiting) -> Score:
    """Return the score of the earlier submission `ref`; see `submit`."""
    api = _sign_in()
    if _find(api, ref) is None:
        raise InputError(
            f"Submission {ref} is not among your latest {LISTED} in {COMPETITION}: look its number "
            f"up at {SUBMISSIONS}."
        )
    return _await_score(api, ref, timeout_seconds, waiting)


def _sign_in() -> "KaggleApi":
    with _kaggle_errors("sign in to Kaggle"):
        try:
            from kaggle.api.kaggle_api_extended import KaggleApi

            api = KaggleApi()
            api.authenticate()
        except SystemExit as error:
            from kagglesdk import get_access_token_from_env

            _, source = get_access_token_from_env()
            refusal = f"Kaggle does not accept the token from {source}: {REMEDIES[401]}."
            raise InputError(refusal if source else NO_CREDENTIALS) from error
    return api


def _find(api: "KaggleApi", ref: int) -> "ApiSubmission | None":
    with _kaggle_errors(f"ask for the score of submission {ref}, which Kaggle has"):
        submissions = api.competition_submissions(COMPETITION, page_size=LISTED) or []
    return next((one for one in submissions if one and one.ref == ref), None)


def _await_score(api: "KaggleApi", ref: int, timeout_seconds: float, waiting: Waiting) -> Score:
    start = time.monotonic()
    waiting(ref, 0)
    while True:
        found = None
        with suppress(UnavailableError):  # a gap in the network must not end the wait
            found = _find(api, ref)
        if found and found.status.name == "ERROR":
            reason = one_line(found.error_description or "") or "it gives no reason"
            raise InputError(
                f"Kaggle could not score submission {ref}: {reason}. Fix the file and submit it "
                f"again; the submission is at {SUBMISSIONS}."
            )
        if found and found.status.name == "COMPLETE" and found.public_score:
            return Score(ref, float(found.public_score))
        waited = time.monotonic() - start
        if waited >= timeout_seconds:
            raise InputError(
                f"Kaggle has no score for submission {ref} after {timeout_seconds:g} seconds: ask "
                f"again by `python -m src.submit [RUN_FOLDER] --ref {ref}`, or see {SUBMISSIONS}."
            )
        waiting(ref, waited)
        time.sleep(min(POLL_SECONDS, timeout_seconds - waited))


@contextmanager
def _kaggle_errors(aim: str) -> Iterator[None]:
    """Silence the client (with VERBOSE set it even prints credentials) and reword its errors."""
    from requests.exceptions import HTTPError, RequestException

    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            yield
    except HTTPError as error:
        raise _refusal(aim, error.response) from error
    except ValueError as error:  # among them requests' own, for JSON and for addresses
        raise InputError(
            f"Could not {aim}: the answer is not from Kaggle's API ({type(error).__name__}). Check "
            "for a login page in your network and, behind a proxy, HTTPS_PROXY."
        ) from error
    except RequestException as error:
        raise UnavailableError(
            f"Could not {aim}: Kaggle cannot be reached ({type(error).__name__}). Check the "
            "network and, behind a proxy, HTTPS_PROXY."
        ) from error


def _refusal(aim: str, response: "Response") -> InputError:
    body = None
    with suppress(ValueError):  # not JSON
        body = response.json()
    body = body if isinstance(body, dict) else {}
    code = body.get("code")  # the client takes it for the status if it looks like one
    status = code if isinstance(code, int) and code >= 400 else response.status_code
    # An answer to bad credentials could repeat them; any other is the best explanation there is.
    said = "" if status == 401 else one_line(body.get("message") or response.reason or "")
    remedy = REMEDIES.get(status, "run the same command again later")
    kind = UnavailableError if status == 429 or status >= 500 else InputError
    quoted = f" ({said})" if said else ""
    return kind(f"Could not {aim}: Kaggle answered {status}{quoted}; {remedy}.")
