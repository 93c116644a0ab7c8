"""Renders a report in Markdown as one HTML page that needs no other file."""

import html
import re
from collections.abc import Mapping, Sequence
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
    """Return the page.

    Args:
        markdown: the report, written with src/reporting/markdown.py.
        title: of the window, plain text.
        drawn: the figures by name, which are embedded in both versions.
        verdicts: by the text of a list's item, the class that colors it; a cell that is a verdict
            has its color, too.
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
    """Markdown's elements, with what the page has beyond them; a method renders one kind of token,
    with its place among all tokens.
    """

    def heading_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Give a section an id, and put the links to all of them before the first."""
        if not _is_section(tokens[i]):
            return self.renderToken(tokens, i, options, env)
        return f'{env.pop("nav", "")}<h2 id="{_id(_text(tokens[i + 1]))}">'

    def html_block(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Embed a figure; its caption is the paragraph below."""
        if not _is_picture(tokens[i]):
            return tokens[i].content
        [name] = re.findall(r'src="figures/(.+)\.png"', tokens[i].content)
        figure = env["drawn"][name]
        picture = tokens[i].content.replace(f"figures/{name}.png", figure.light)
        picture = picture.replace(f"figures/{name}-dark.png", figure.dark)
        return f'<figure id="{name}">\n{picture}'

    def paragraph_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Tell captions and headlines, which are bold as a whole, from other paragraphs."""
        if i and _is_picture(tokens[i - 1]):
            return "<figcaption>"
        if re.fullmatch(r"\*\*[^*]+\*\*", tokens[i + 1].content):
            return '<p class="headline">'
        return self.renderToken(tokens, i, options, env)

    def paragraph_close(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """End a caption with its figure."""
        if i > 2 and _is_picture(tokens[i - 3]):
            return "</figcaption>\n</figure>\n"
        return self.renderToken(tokens, i, options, env)

    def list_item_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Color a verdict."""
        return f"<li{_class(tokens[i + 2], env)}>"

    def table_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Let a table that is too wide for the window scroll, by keyboard, too."""
        return '<div class="table" role="region" aria-label="Table" tabindex="0">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """End the part that scrolls."""
        return "</table>\n</div>\n"

    def th_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Begin the head of a column."""
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Begin a cell; the first is the head of its row."""
        first = tokens[i - 1].type == "tr_open"
        return '<th scope="row">' if first else f"<td{_class(tokens[i + 1], env)}>"

    def td_close(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """End a cell."""
        return "</th>" if tokens[i - 3].type == "tr_open" else "</td>"

    def text(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Keep numbers and their units in one line."""
        return html.escape(unbroken(tokens[i].content), quote=False)

    def link_open(self, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
        """Leave out links to files: MLflow shows the page without them."""
        return ""

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
