"""What a command answers to --help: what it does, reads and writes, with examples."""

import argparse
import textwrap
from collections.abc import Mapping, Sequence

WIDTH = 78  # columns of a terminal that has 80


def parser(
    name: str, does: str, *, reads: str, writes: str, examples: Mapping[str, str]
) -> argparse.ArgumentParser:
    """Return the parser of a command, to which its arguments are to be added.

    Args:
        name: the command's, as in `python -m src.NAME`.
        does: what it does, in sentences.
        reads: the files, stores or services that it reads.
        writes: the same that it writes.
        examples: arguments as a user types them, and what each does.
    """
    width = max(map(len, examples))
    lines = [
        f"  python -m src.{name} {words:<{width}}  {purpose}".rstrip()
        for words, purpose in examples.items()
    ]
    parts = (textwrap.fill(does, WIDTH), _indented("reads:   ", reads))
    return argparse.ArgumentParser(
        prog=f"python -m src.{name}",
        description="\n".join([parts[0], "", parts[1], _indented("writes:  ", writes)]),
        epilog="\n".join(["examples:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _indented(head: str, text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )


def no_arguments(
    name: str,
    does: str,
    argv: Sequence[str],
    *,
    reads: str,
    writes: str,
    example: str,
) -> None:
    """Parse the arguments of a command that takes none; see `parser`.

    Args:
        name: the command's.
        does: what it does.
        argv: the arguments.
        reads: what it reads.
        writes: what it writes.
        example: what the command by itself does.

    Raises:
        SystemExit: with status 0 after --help, with 2 for any other argument.
    """
    parser(name, does, reads=reads, writes=writes, examples={"": example}).parse_args(argv)
