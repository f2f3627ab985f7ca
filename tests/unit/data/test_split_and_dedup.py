"""Deduplication and the split go by the text alone."""

from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.spec.step_sections.deduplication import ExactDedup
from llmtrain_trainer.data.documents import document_key, is_held_out
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.data.steps.exact_dedup import ExactDedupStep

KEYS = [document_key(f"document {number}") for number in range(10_000)]


def test_white_space_and_case_make_no_difference() -> None:
    assert document_key("One  two\n\tTHREE ") == document_key("one two three")
    assert document_key("one two") != document_key("onetwo")


def test_a_key_is_new_once() -> None:
    apply = ExactDedupStep(ExactDedup()).prepare()
    one, other = KEYS[:2]
    assert apply([one, other, one]) == [one, other, Dropped("repeated")]
    assert apply([one]) == [Dropped("repeated")]


def test_the_share_held_out_is_the_one_asked_for() -> None:
    held_out = sum(is_held_out(key, 0.1) for key in KEYS)
    assert 900 < held_out < 1100


def test_the_split_never_changes() -> None:
    # Written down: a model's held-out documents must stay held out in every later version.
    assert [number for number in range(300) if is_held_out(KEYS[number], 0.01)] == [141, 284]


@given(st.text(), st.floats(0.001, 0.499), st.floats(0.001, 0.499))
def test_a_larger_share_keeps_the_documents_of_a_smaller_one(
    text: str, one: float, other: float
) -> None:
    key = document_key(text)
    assert is_held_out(key, max(one, other)) >= is_held_out(key, min(one, other))
