"""A command's parser, whose help is the docstring of the command's module."""

import argparse


def parser(name: str, documentation: str | None) -> argparse.ArgumentParser:
    """Return the parser of `python -m src.NAME`, without arguments yet. Its module's docstring is
    laid out for 80 columns; the examples at its end follow the arguments.
    """
    description, heading, examples = (documentation or "").partition("Examples:\n")
    return argparse.ArgumentParser(
        prog=f"python -m src.{name}",
        description=description.strip(),
        epilog=(heading + examples).strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
