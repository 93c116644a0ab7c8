"""The command line of a command without arguments: it answers --help, and refuses the rest."""

import argparse
from collections.abc import Sequence


def no_arguments(name: str, description: str, argv: Sequence[str]) -> None:
    """Parse the arguments of a command that takes none.

    Args:
        name: the command's, as in `python -m src.NAME`.
        description: what it reads and writes: its module's docstring.
        argv: the arguments.

    Raises:
        SystemExit: with status 0 after --help, with 2 for any other argument.
    """
    argparse.ArgumentParser(
        prog=f"python -m src.{name}",
        description=description,
        epilog="It takes its settings from params.yaml.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(argv)
