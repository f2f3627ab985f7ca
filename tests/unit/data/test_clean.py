"""Cleaning repairs what is broken and leaves the rest as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.spec.data import Clean
from llmtrain_trainer.data.clean import cleaners, repair_unicode


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
    forced = cleaners(Clean(html=False), is_html=True)
    assert [step.name for step in forced] == ["clean.html", "clean.unicode"]
    (emoji,) = cleaners(Clean(html=False, unicode=False, emoji_to_text=True))
    assert emoji.apply("good 👍") == "good :thumbs_up:"
