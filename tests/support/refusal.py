"""The sentence of an InputError."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.core.errors import InputError
from tests.support.contents import contents


def refusal(call: Callable, *arguments: Any, unchanged: Path | None = None) -> str:
    """Return the one sentence that a call is refused with; the folder `unchanged` must stay so."""
    before = contents(unchanged) if unchanged else {}
    with pytest.raises(InputError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert text.isprintable()
    assert text.endswith(".")
    assert not unchanged or contents(unchanged) == before
    return text
