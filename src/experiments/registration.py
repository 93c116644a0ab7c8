"""The registration of a study: tags that keep what its file said before its first run."""

from collections.abc import Mapping
from datetime import UTC, datetime

from src.config import study_file
from src.core.checksum import sha256
from src.tracking import environment, run_tags


def of_file(name: str) -> dict[str, str]:
    """Return tags on the study's file as it is now: its SHA-256, the time, and the git commit."""
    path = study_file.STUDIES / f"{name}.yaml"
    tags = {
        run_tags.REGISTERED_SHA256: sha256(path),
        run_tags.REGISTERED_TIME: datetime.now(UTC).isoformat(timespec="seconds"),
    }
    commit, is_in_it = environment.commit_of(path)
    if commit:
        tags[run_tags.REGISTERED_COMMIT] = commit
        tags[run_tags.REGISTERED_DIRTY] = str(not is_in_it).lower()
    return tags


def of_judged(tags: Mapping[str, str | None]) -> dict[str, str]:
    """Return tags that keep the judged parts of a study, given the current tags of its parent."""
    kept = {key: tags.get(key) for key in run_tags.JUDGED}
    return {run_tags.REGISTERED + key: value for key, value in kept.items() if value is not None}
