"""HTML becomes text; what is no HTML stays as it is; no document takes more than linear time."""

import time

import pytest
from support.python_docs import documentation

from llmtrain_api.spec.step_sections.cleaning import Unicode
from llmtrain_api.spec.steps import Step
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.data.steps.html import (
    broken_bound,
    extract_if_html,
    extract_text,
    is_html,
)
from llmtrain_trainer.data.steps.registry import document_steps

PAGE = """<!DOCTYPE html><html><head><title>Title</title><style>p {color: red}</style>
<script>var hidden = 1;</script></head><body><nav><a href="/">Home</a></nav>
<main><h1>Bread</h1><p>Mix flour &amp; water.</p><p>Wait a day.</p></main></body></html>"""
MARKDOWN = """# How to write a list

```html
<ul>
  <li>First item</li>
  <li>Second item</li>
</ul>
```

```python
def f(x):
    return {"a": 1}
```

And the closing </div> is to be written with care.
"""


def test_html_becomes_its_text_without_navigation_scripts_and_styles() -> None:
    text = extract_if_html(PAGE)
    assert isinstance(text, str)
    assert text.split() == ["Bread", "Mix", "flour", "&", "water.", "Wait", "a", "day."]


@pytest.mark.parametrize(
    "text",
    [
        MARKDOWN,
        "a < b and b > c",
        "Use <b> for bold, <p>...</p> for paragraphs.",
        "vector<int> x; if (a<b) return x;",
        "<class 'int'> is a type",
        "<stdin>:1: SyntaxWarning",
        "One<li>a</li>\n<li>b</li>\n<li>c</li>",
        '<div align="center"><img src="a.png"></div>\n\n# A project\n\n- one\n\n<div>two</div>',
        "<p>The read me of a project</p>\n\nIt is text.\n",
        "<script>\nexport let name;\n</script>\n<p>{name}</p>\n<style>p {}</style>",
        "<!-- a note --> <!-- and another --> and then text",
        '<root xmlns="x"><p>One</p></root>',
        "<header> of a C file </header>\n#include <stdio.h>\nint main() {}",
    ],
)
def test_text_that_is_no_html_document_is_left_alone(text: str) -> None:
    assert not is_html(text)
    assert extract_if_html(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "  <p>One</p>",
        '<div class="x">One</div>',
        "<!-- made by x -->\n<html><body>One</body></html>",
        '<?xml version="1.0"?><!-- x -->\n<!doctype html><p>One',
        "<HTML lang=en><p>One",
        "<center><font size=2>One</font></center><br>",
    ],
)
def test_documents_and_whole_fragments_are_html(text: str) -> None:
    assert is_html(text)
    assert extract_if_html(text) == "One"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>First &amp; more<br>and that\n<p>Second\n<script>var x=1;</script>", "First & more"),
        ("<center><font size=2>Old page</font></center><br><hr>read<br>", "Old page"),
        ("<span>Hello</span> and <i>that</i>", "Hello and that"),
    ],
)
def test_files_of_the_format_html_are_always_extracted(page: str, text: str) -> None:
    step, *_ = document_steps([Step(unicode=Unicode())], is_html=True).values()
    (extracted,) = step.prepare()([page])
    assert isinstance(extracted, str)
    assert extracted.startswith(text)
    assert "<" not in extracted
    assert "var x" not in extracted


@pytest.mark.slow
def test_no_python_documentation_is_taken_for_html() -> None:
    assert [entry.signature for entry in documentation() if is_html(entry.document)] == []


def test_a_page_without_text_is_counted_as_such() -> None:
    assert extract_if_html("<html><body><nav>Home</nav></body></html>") == Dropped("noText")


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        ("<div>" * 40_000 + "x" + "</div>" * 40_000, "tooDeep"),
        ("<p " + " ".join(f"a{n}=1" for n in range(40_000)) + ">x", "tooManyAttributes"),
        ("".join(f"<font size={n}>" for n in range(40_000)) + "<p>x" * 40_000, "tooDeep"),
        ("<i>" * 500 + "<p>x" * 40_000, "tooDeep"),
    ],
)
def test_pages_that_would_take_more_than_linear_time_are_dropped(page: str, rule: str) -> None:
    started = time.process_time()
    assert extract_text(page) == Dropped(rule)
    assert time.process_time() - started < 5  # the cleaner alone took 25 s and more


@pytest.mark.parametrize(
    "piece",
    ["<p>x", "<li>x", "<td>x", "<br>", "<", "<!--", '<p a="', "<p =", "<p/", "<a b='\""],
)
def test_looking_for_broken_bounds_takes_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        broken_bound(piece * count)
        return time.process_time() - started

    # Four times the length, four times the time; where it grew with the square, 16 times.
    assert min(seconds(80_000) for _ in range(3)) < 10 * seconds(20_000) + 0.05


def test_ordinary_pages_keep_the_bounds() -> None:
    paragraphs = '<div class="a"><p>one <b>two</b><br></div>\n' * 5_000
    assert broken_bound(f"<html><body>{paragraphs}</body></html>") is None
    assert broken_bound("<p>never closed" * 10_000) is None
