"""Cleaning repairs what is broken and leaves the rest as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.spec.data import Clean
from llmtrain_trainer.data.clean import cleaners, extract_text, looks_like_html, repair_unicode
from llmtrain_trainer.data.python_docs import harvest

PAGE = """<!DOCTYPE html><html><head><title>Title</title><style>p {color: red}</style>
<script>var hidden = 1;</script></head><body><nav><a href="/">Home</a></nav>
<main><h1>Bread</h1><p>Mix flour &amp; water.</p><p>Wait a day.</p></main></body></html>"""


def test_html_becomes_its_text_without_navigation_scripts_and_styles() -> None:
    assert extract_text(PAGE).split() == [
        "Bread",
        "Mix",
        "flour",
        "&",
        "water.",
        "Wait",
        "a",
        "day.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a < b and b > c",
        "Use <b> for bold, <p>...</p> for paragraphs.",
        "vector<int> x; if (a<b) return x;",
        "<class 'int'> is a type",
        "<stdin>:1: SyntaxWarning",
    ],
)
def test_text_that_only_speaks_of_tags_is_left_alone(text: str) -> None:
    assert not looks_like_html(text)
    assert extract_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "  <p>One</p>",
        '<div class="x">One</div>',
        "One<li>a</li><li>b</li><li>c</li>",
        "<!-- made by x -->\n<html><body>One</body></html>",
    ],
)
def test_fragments_of_pages_are_html(text: str) -> None:
    assert looks_like_html(text)
    assert "<" not in extract_text(text)


def test_no_python_documentation_is_taken_for_html() -> None:
    assert [entry.signature for entry in harvest() if looks_like_html(entry.document)] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("schÃ¶n", "schön"),
        ("cafe\u0301", "café"),
        ("one\r\ntwo", "one\ntwo"),
        ("bell\x07", "bell"),
        ("“curly” &amp; ﬁne ｱｲ", "“curly” &amp; ﬁne ｱｲ"),
    ],
)
def test_damage_is_repaired_and_the_rest_kept(before: str, after: str) -> None:
    assert repair_unicode(before) == after


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_never_changed(text: str) -> None:
    assert repair_unicode(text) == text


def test_only_the_wanted_steps_run() -> None:
    assert [step.name for step in cleaners(Clean())] == ["clean.html", "clean.unicode"]
    (emoji,) = cleaners(Clean(html=False, unicode=False, emoji_to_text=True))
    assert emoji.apply("good 👍") == "good :thumbs_up:"
