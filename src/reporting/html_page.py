"""Renders a report in Markdown as one HTML page that needs no other file."""

import html
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from string import Template
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from src.analysis.verdicts import Verdict
from src.reporting.exhibits import Embedded

TEMPLATES = Path(__file__).with_name("templates")
COLORED = {one.value: one.value for one in Verdict}


def render(
    markdown: str, title: str, drawn: Mapping[str, Embedded], verdicts: Mapping[str, str]
) -> str:
    """Return the page of a report written with src/reporting/markdown.py.

    `title`, plain text, is the window's. The figures `drawn`, by name, are embedded. `verdicts`
    gives the class that colors a list's item by its text; cells with a verdict have its color, too.
    """
    parser = MarkdownIt("commonmark", renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(markdown)
    titles = [_text(tokens[i + 1]) for i, one in enumerate(tokens) if _is_section(one)]
    links = "\n".join(f'<a href="#{_id(one)}">{html.escape(one)}</a>' for one in titles)
    env = {"drawn": drawn, "verdicts": {**COLORED, **verdicts}, "nav": f"<nav>\n{links}\n</nav>\n"}
    return Template((TEMPLATES / "page.html").read_text()).substitute(
        title=html.escape(title),
        style=(TEMPLATES / "style.css").read_text(),
        body=parser.renderer.render(tokens, parser.options, env),
    )


class _Renderer(RendererHTML):
    """Markdown's elements with what the page has beyond them. A method renders one kind of token,
    `tokens[i]`.
    """

    def heading_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        if not _is_section(tokens[i]):
            return self.renderToken(tokens, i, options, env)
        return f'{env.pop("nav", "")}<h2 id="{_id(_text(tokens[i + 1]))}">'  # links come first

    def html_block(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        block = tokens[i].content
        if not _is_picture(tokens[i]):
            return block
        [name] = re.findall(r'src="figures/(.+)\.png"', block)
        block = block.replace(f"figures/{name}.png", env["drawn"][name].light)
        block = block.replace(f"figures/{name}-dark.png", env["drawn"][name].dark)
        return f'<figure id="{name}">\n{block}'

    def paragraph_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        if i and _is_picture(tokens[i - 1]):
            return "<figcaption>"
        if re.fullmatch(r"\*\*[^*]+\*\*", tokens[i + 1].content):
            return '<p class="headline">'
        return self.renderToken(tokens, i, options, env)

    def paragraph_close(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        if i > 2 and _is_picture(tokens[i - 3]):
            return "</figcaption>\n</figure>\n"
        return self.renderToken(tokens, i, options, env)

    def list_item_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        return f"<li{_class(tokens[i + 2], env)}>"

    def table_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        head = takewhile(lambda token: token.type != "thead_close", tokens[i:])
        label = html.escape(", ".join(_text(token) for token in head if token.type == "inline"))
        return f'<div class="table" role="region" aria-label="{label}" tabindex="0">\n<table>\n'

    def table_close(self, *token: Any) -> str:
        return "</table>\n</div>\n"

    def th_open(self, *token: Any) -> str:
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        first = tokens[i - 1].type == "tr_open"
        return '<th scope="row">' if first else f"<td{_class(tokens[i + 1], env)}>"

    def td_close(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        return "</th>" if tokens[i - 3].type == "tr_open" else "</td>"

    def text(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        return html.escape(unbroken(tokens[i].content), quote=False)

    def link_open(self, *token: Any) -> str:
        return ""  # MLflow shows the page without the files that it links to

    link_close = link_open


def unbroken(text: str) -> str:
    """Return a text with no-break spaces between numbers and their units or signs."""
    return re.sub(r"(?<=\bp) (?=[<=])|(?<=[<=]) (?=\d)|(?<=\d) (?=(?:pp|ns)\b)", "\xa0", text)


def _is_section(token: Token) -> bool:
    return token.type == "heading_open" and token.tag == "h2"


def _is_picture(token: Token) -> bool:
    return token.type == "html_block" and token.content.startswith("<picture>")


def _text(token: Token) -> str:
    return "".join(child.content for child in token.children or ())


def _id(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def _class(token: Token, env: Any) -> str:
    verdict = env["verdicts"].get(_text(token))
    return f' class="{verdict}"' if verdict else ""
