import pytest
from markdown_it import MarkdownIt

from src.reporting import markdown
from src.reporting.captions import Caption

AWKWARD = ["a*b*c", "_a_ and a_b", "<b>x</b>", "[l](javascript:x)", "`c`", "a|b", "&lt;", "p < 0.1"]


@pytest.mark.parametrize("text", AWKWARD)
@pytest.mark.parametrize(
    "block", [markdown.plain, markdown.note, lambda text: markdown.table(["a"], [[text]])]
)
def test_a_plain_text_is_shown_as_it_is(text, block):
    tokens = MarkdownIt("commonmark").enable("table").parse(block(text))
    found = [token for token in tokens if token.type == "inline"][-1]
    assert {child.type for child in found.children} <= {"text"}
    assert "".join(child.content for child in found.children) == text


def test_a_text_without_markup_is_written_as_it_is():
    text = "swish_beta − ReLU: p < 0.001 (95% CI −0.1 to 0.2) & more"
    assert markdown.plain(text) == text


def test_a_section_without_content_is_left_out():
    assert markdown.section("Tuning", "", "") == ""
    assert markdown.document("# A", markdown.section("B", "", "b"), "") == "# A\n\n## B\n\nb\n"


def test_a_figure_names_both_versions_and_its_finding_is_the_alternative_text():
    text = markdown.figure("power", Caption('a "b" < c', "read"))
    assert 'srcset="figures/power-dark.png"' in text
    assert 'src="figures/power.png" alt="a &quot;b&quot; &lt; c"' in text
    assert text.endswith('\n\n**a "b" < c**\nread')


def test_code_with_a_backtick_is_only_escaped():
    assert markdown.settings({"a": "b", "c": "`d"}) == "- `a`: `b`\n- `c`: \\`d"
