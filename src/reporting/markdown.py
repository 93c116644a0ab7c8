"""The blocks that a report is written in: Markdown as GitHub reads it."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from src.reporting.captions import Caption

# Emphasis, code, links, cells, tags and entities, as Markdown would read them.
MARKUP = re.compile(r"[\\`*\[\]|]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=\w+;|#)")


def document(*blocks: str) -> str:
    """Return blocks as one text, with an empty line between each two; empty ones are left out."""
    return "\n\n".join(filter(None, blocks)) + "\n"


def section(title: str, *blocks: str) -> str:
    """Return a section; an empty text if it has no content."""
    return document(f"## {plain(title)}", *blocks).rstrip("\n") if any(blocks) else ""


def plain(text: str) -> str:
    """Return a text escaped, so that it is shown as it is."""
    return MARKUP.sub(r"\\\g<0>", text)


def code(text: str) -> str:
    """Return a text as code; one with a backtick is only escaped."""
    return plain(text) if "`" in text else f"`{text}`"


def strong(text: str) -> str:
    """Return a plain text in bold."""
    return f"**{plain(text)}**"


def note(text: str, about: str = "") -> str:
    """Return a remark, plain text; on what it is about, if the report has several subjects."""
    return f"> {strong(about)}: {plain(text)}" if about else f"> {plain(text)}"


def bullets(items: Iterable[str]) -> str:
    """Return a list of items, which are Markdown."""
    return "\n".join(f"- {item}" for item in items)


def settings(values: Mapping[str, str]) -> str:
    """Return keys and their values as a list."""
    return bullets(f"{code(key)}: {code(value)}" for key, value in values.items())


def facts(topics: Mapping[str, Sequence[str]]) -> str:
    """Return plain texts as a list, by topic."""
    return bullets(f"{strong(about)}: {plain('; '.join(some))}" for about, some in topics.items())


def commands(text: str) -> str:
    """Return the commands that reproduce the report."""
    return f"To reproduce it:\n\n```sh\n{text}\n```"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of plain texts; the first cell of a row is its name."""
    head, *body = (f"| {' | '.join(map(plain, cells))} |" for cells in (heads, *rows))
    return "\n".join([head, f"|{'---|' * len(heads)}", *body])


def details(summary: str, block: str) -> str:
    """Return a block that is shown on demand, below its summary, plain text."""
    return f"<details><summary>{html.escape(summary)}</summary>\n\n{block}\n\n</details>"


def figure(name: str, caption: Caption) -> str:
    """Return a figure, whose files are in figures/, with its caption below."""
    return (
        "<picture>\n"
        f'<source media="(prefers-color-scheme: dark)" srcset="figures/{name}-dark.png">\n'
        f'<img src="figures/{name}.png" alt="{html.escape(caption.finding)}" width="640">\n'
        f"</picture>\n\n{strong(caption.finding)}\n{plain(caption.reading)}"
    )
