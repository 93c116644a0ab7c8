"""A command's parser, whose help is the docstring of the command's module."""

import argparse


def parser(name: str, documentation: str | None) -> argparse.ArgumentParser:
    """Return the parser of `python -m src.NAME`; its module's examples end the help."""
    description, heading, examples = (documentation or "").partition("Examples:\n")
    return argparse.ArgumentParser(
        prog=f"python -m src.{name}",
        description=description.strip(),
        epilog=(heading + examples).strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
