"""Files damaged at random, but the same way for the same seed, and the outcome for their readers.

A reader may refuse a damaged file with an InputError, or return a right result, since some damage
does not show. Any other exception is a defect, and so is a message of several lines.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from src.core.errors import InputError

Result = TypeVar("Result")

TOKENS = (
    b"\0",
    b"\n",
    b"\r",
    b",",
    b'"',
    b"-1",
    b"1e9",
    b"null",
    b"{",
    b"[]",
    b"PK\3\4",
    b"\xff\xfe",
)


def damaged(content: bytes, seed: int) -> bytes:
    """Return the content, which is not empty, with the damage of this seed.

    Eight seeds in a row are eight kinds of damage. Rarely, it is the same content again.
    """
    chance, changed = random.Random(seed), bytearray(content)
    place, count = chance.randrange(len(content)), chance.randint(1, 64)
    junk = chance.choice((*TOKENS, chance.randbytes(count)))
    match seed % 8:
        case 0:  # flipped bits
            for _ in range(chance.choice((1, 1, 1, 2, 8))):
                changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        case 1:  # overwritten, with zeros or at random
            count = min(count, len(content) - place)
            changed[place : place + count] = chance.choice((bytes(count), chance.randbytes(count)))
        case 2:  # without its end
            del changed[place:]
        case 3:  # without its start
            del changed[: place + 1]
        case 4:  # without some bytes
            del changed[place : place + count]
        case 5:  # with more bytes, at random or with a meaning for a reader
            changed[place:place] = junk
        case 6:  # with a slice twice
            changed[place:place] = content[place : place + 8 * count]
        case 7:  # another content
            changed[:] = chance.choice((b"", junk))
    return bytes(changed)


def outcome(
    path: Path, content: bytes, read: Callable[[], Result], is_right: Callable[[Result], bool]
) -> str:
    """Write the content to a file; return "refused" or "read", as the reader did.

    Raises:
        AssertionError: its result is not right, or its message is not one sentence.
    """
    path.write_bytes(content)
    try:
        result = read()
    except InputError as error:
        text = str(error)
        assert text.isprintable(), f"not a line of text: {text!r}"
        assert text.endswith((".", ").")), text
        assert len(text) < 800, text
        return "refused"
    assert is_right(result), f"a damaged {path} was read as {result!r}"
    return "read"


def drill(
    path: Path,
    read: Callable[[], Result],
    is_right: Callable[[Result], bool],
    seeds: Iterable[int] = range(100),
) -> Counter[str]:
    """Damage a file once for each seed, and count the outcomes; restore the file.

    Raises:
        AssertionError: as `outcome` does, with the seed as a note, to repeat the damage with
            `damaged`.
    """
    content = path.read_bytes()
    counts: Counter[str] = Counter()
    try:
        for seed in seeds:
            try:
                counts[outcome(path, damaged(content, seed), read, is_right)] += 1
            except Exception as error:
                error.add_note(f"seed {seed} of the damage of {path}")
                raise
    finally:
        path.write_bytes(content)
    return counts
