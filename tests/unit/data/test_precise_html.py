"""The precise extractor takes the main text out, in a process that a slow page cannot hold up."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.prose import PROSE

from llmtrain_api.spec.step_sections.cleaning import Extractor, Html
from llmtrain_trainer.data.steps import precise_html
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.data.steps.html import HtmlStep
from llmtrain_trainer.data.steps.precise_html import PreciseReader, TooSlow

pytestmark = pytest.mark.slow


def page(*paragraphs: str) -> str:
    text = "".join(f"<p>{each}</p>" for each in paragraphs)
    return (
        "<!doctype html><html><body><nav><a href='/'>Home</a> <a href='/a'>All articles</a></nav>"
        f"<article>{text}</article><footer>Imprint, cookies</footer><script>x()</script></body>"
    )


def test_the_main_text_is_taken_out_in_any_language() -> None:
    apply = HtmlStep(Html(extractor=Extractor.PRECISE)).prepare()
    pages = {language: page(*sentences) for language, sentences in PROSE.items()}
    assert apply([*pages.values()]) == ["\n".join(sentences) for sentences in PROSE.values()]
    markdown = "# No page\n\n<p>This is **Markdown**.</p>"
    assert apply([markdown, page(), "<html>\x00</html>"]) == [
        markdown, Dropped("noText"), Dropped("noText"),
    ]  # fmt: skip


def test_a_slow_page_is_dropped_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = PreciseReader()
    sentences = PROSE["German"]
    assert reader.text(page(*sentences)) == "\n".join(sentences)
    monkeypatch.setattr(precise_html, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(precise_html, "CPU_SECONDS", 0.0)
    slow = page(*(f"Sentence {n} of a page that is longer than all others." for n in range(20_000)))
    assert reader.text(slow) == TooSlow()
    monkeypatch.undo()
    assert reader.text(page(*sentences)) == "\n".join(sentences)
    process = reader._process
    assert process is not None
    process.kill()
    process.wait()
    assert reader.text(page(*sentences)) == TooSlow()
    assert reader.text(page(*sentences)) == "\n".join(sentences)
    reader.close()


@settings(max_examples=50)
@given(text=st.text(max_size=200))
def test_any_text_in_a_page_gives_the_same_twice(text: str) -> None:
    reader = _reader()
    pages = (page(text), text, f"<html>{text}")
    found = [reader.text(each) for each in pages]
    assert not any(isinstance(each, TooSlow) for each in found)
    assert found == [reader.text(each) for each in pages]


@cache
def _reader() -> PreciseReader:
    """One process for all examples."""
    return PreciseReader()
