"""Cleaning repairs what is broken and leaves the rest as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.spec.step_sections.cleaning import EmojiToText, Unicode
from llmtrain_api.spec.steps import DEFAULT_STEPS, Step
from llmtrain_trainer.data.steps.emoji_to_text import EmojiToTextStep
from llmtrain_trainer.data.steps.registry import document_steps
from llmtrain_trainer.data.steps.unicode import UnicodeStep

repair_unicode = UnicodeStep(Unicode()).prepare()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("schÃ¶n", "schön"),
        ("cafe\u0301", "café"),
        ("one\r\ntwo", "one\ntwo"),
        ("bell\x07", "bell"),
        ("\x1b[31mred\x1b[0m\n\tand\x7f blue", "red\n\tand blue"),
        ("“curly” &amp; ﬁne ｱｲ", "“curly” &amp; ﬁne ｱｲ"),
    ],
)
def test_damage_is_repaired_and_the_rest_kept(before: str, after: str) -> None:
    assert repair_unicode([before]) == [after]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_never_changed(text: str) -> None:
    assert repair_unicode([text]) == [text]


def test_only_the_wanted_steps_run() -> None:
    assert list(document_steps(DEFAULT_STEPS)) == ["html", "unicode", "gopher"]
    forced = document_steps([Step(unicode=Unicode())], is_html=True)
    assert list(forced) == ["html", "unicode"]
    (emoji,) = document_steps([Step(emoji_to_text=EmojiToText())]).values()
    assert isinstance(emoji, EmojiToTextStep)
    assert emoji.prepare()(["good 👍"]) == ["good :thumbs_up:"]
