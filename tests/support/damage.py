"""What happens to files: a bit flips, a copy breaks off, blocks are lost, doubled or zeroed."""

import random
from collections.abc import Callable


def damaged(content: bytes, seed: int) -> bytes:
    """Return content that one to three things have happened to; the same for the same seed."""
    draw = random.Random(seed)
    for _ in range(draw.choice((1, 1, 2, 3))):
        content = draw.choice(KINDS)(content, draw)
    return content


def _flip_a_bit(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return content
    place = draw.randrange(len(content))
    changed = content[place] ^ 1 << draw.randrange(8)
    return content[:place] + bytes([changed]) + content[place + 1 :]


def _cut_short(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randint(0, len(content))]


def _lose(content: bytes, draw: random.Random) -> bytes:
    start, end = _block(content, draw)
    return content[:start] + content[end:]


def _double(content: bytes, draw: random.Random) -> bytes:
    start, end = _block(content, draw)
    return content[:end] + content[start:]


def _zero(content: bytes, draw: random.Random) -> bytes:
    start, end = _block(content, draw)
    return content[:start] + bytes(end - start) + content[end:]


def _overwrite(content: bytes, draw: random.Random) -> bytes:
    start, end = _block(content, draw)
    return content[:start] + draw.randbytes(end - start) + content[end:]


def _insert(content: bytes, draw: random.Random) -> bytes:
    place = draw.randint(0, len(content))
    return content[:place] + draw.randbytes(draw.randint(1, 64)) + content[place:]


def _block(content: bytes, draw: random.Random) -> tuple[int, int]:
    """Return where a block starts and ends: often a short one, near an end as often as not."""
    start = draw.randint(0, len(content))
    if draw.random() < 0.5:
        start = min(
            draw.choice((start % 256, max(0, len(content) - 1 - start % 256))), len(content)
        )
    return start, min(len(content), start + 2 ** draw.randint(0, 12))


KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip_a_bit,
    _cut_short,
    _lose,
    _double,
    _zero,
    _overwrite,
    _insert,
)
