import re

import pytest

from src.reporting import html_page, markdown
from src.reporting.captions import Caption
from src.reporting.exhibits import Embedded


@pytest.fixture(scope="module")
def body():
    """The body of a page with one of each block."""
    text = markdown.document(
        "# Does it matter?",
        "Its numbers are in [pairs.csv](pairs.csv).",
        markdown.section(
            "Verdict",
            markdown.strong("Undecided."),
            markdown.bullets(["A beats B.", "other"]),
            markdown.table(["Pair", "Verdict"], [["A − B", "better"], ["A − C", "undecided"]]),
        ),
        markdown.section(
            "Learning and errors",
            markdown.figure("power", Caption("The finding.", "How to read.")),
            markdown.details("More", "p = 1 and `p = 1`"),
        ),
    )
    drawn = {"power": Embedded(Caption("", ""), "data:light", "data:dark")}
    return html_page.render(text, "a < b", drawn, {"A beats B.": "better"})


def test_all_sections_are_linked_above_the_first(body):
    assert "<title>a &lt; b</title>" in body
    head, _, rest = body.partition('<h2 id="verdict">Verdict</h2>')
    assert '<a href="#verdict">Verdict</a>' in head
    assert '<a href="#learning-and-errors">Learning and errors</a>' in head
    assert '<h2 id="learning-and-errors">' in rest
    assert "<nav>" not in rest
    assert "Its numbers are in pairs.csv." in head  # MLflow shows the page without these files


def test_a_figure_is_embedded_in_both_versions_with_its_caption(body):
    [figure] = re.findall(r'<figure id="power">.*?</figure>', body, re.DOTALL)
    assert 'srcset="data:dark"' in figure
    assert 'src="data:light" alt="The finding."' in figure
    assert "<figcaption><strong>The finding.</strong>\nHow to read.</figcaption>" in figure


def test_a_verdict_has_its_color_in_lists_and_tables_which_scroll_and_have_heads(body):
    assert '<li class="better">A beats B.</li>' in body
    assert "<li>other</li>" in body
    assert '<td class="better">better</td>' in body
    assert '<td class="undecided">undecided</td>' in body
    assert '<p class="headline"><strong>Undecided.</strong></p>' in body
    assert 'role="region" aria-label="Pair, Verdict" tabindex="0">\n<table>' in body
    assert body.count('<th scope="col">') == 2
    assert body.count('<th scope="row">') == 2


def test_no_line_ends_between_a_number_and_its_unit_but_in_code(body):
    assert html_page.unbroken("0.04 pp (p = 0.03), p < 0.001, 2 ns") == (
        "0.04\xa0pp (p\xa0=\xa00.03), p\xa0<\xa00.001, 2\xa0ns"
    )
    assert "p\xa0=\xa01 and <code>p = 1</code>" in body
