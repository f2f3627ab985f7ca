"""The held-out conversations: the given fraction of each label, stable with more data."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from llmtrain_trainer.conversations.conversation import Conversation, Message
from llmtrain_trainer.finetune.split import SeenConversations, choose_held_out, one_sided_answers


def seen(pairs: list[tuple[str, str]]) -> SeenConversations:
    """Questions and answers."""
    found = SeenConversations()
    for question, answer in pairs:
        messages = [
            Message(role="user", content=question),
            Message(role="assistant", content=answer),
        ]
        found.add(Conversation(messages, "here"))
    return found


def held_out_counts(pairs: list[tuple[str, str]], held_out: NDArray[np.bool_]) -> Counter[str]:
    return Counter(answer for (_, answer), is_out in zip(pairs, held_out, strict=True) if is_out)


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.3])
def test_each_label_loses_the_asked_fraction(fraction: float) -> None:
    pairs = [(f"{n}?", "rare" if n % 10 == 0 else "frequent") for n in range(1000)]
    held_out = choose_held_out(seen(pairs), fraction)
    counts = held_out_counts(pairs, held_out)
    assert counts == {"rare": round(100 * fraction), "frequent": round(900 * fraction)}


@settings(deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), st.sampled_from("0123")),
        min_size=2,
        max_size=120,
    ),
    fraction=st.floats(0.01, 0.49),
)
def test_exact_repeats_are_on_one_side_and_both_sides_are_filled(
    pairs: list[tuple[str, str]], fraction: float
) -> None:
    held_out = choose_held_out(seen(pairs), fraction)
    sides: dict[tuple[str, str], set[bool]] = {}
    for pair, is_out in zip(pairs, held_out.tolist(), strict=True):
        sides.setdefault(pair, set()).add(is_out)
    assert all(len(each) == 1 for each in sides.values())
    if len(sides) > 1:
        assert 0 < held_out.sum() < len(pairs)
        assert held_out.sum() <= max(round(fraction * len(pairs)), min(Counter(pairs).values()))


def test_added_conversations_move_few_others() -> None:
    pairs = [(f"{n}?", f"label {n % 3}" if n % 2 else f"text {n}") for n in range(2000)]
    before = choose_held_out(seen(pairs[:1900]), 0.1)
    after = choose_held_out(seen(pairs), 0.1)
    assert int((before != after[:1900]).sum()) < 20
    assert (choose_held_out(seen(pairs), 0.1) == after).all()


def test_a_label_that_is_too_rare_for_the_fraction_is_named() -> None:
    pairs = [(f"{n}?", f"label {n % 20}") for n in range(200)]
    found = seen(pairs)
    warnings = list(one_sided_answers(found, choose_held_out(found, 0.02)))
    assert len(warnings) == 1
    assert "never held out, so no validation measures them" in warnings[0]
    assert "(10 of 200 conversations)" in warnings[0]
    assert "and 13 more" in warnings[0]
    assert list(one_sided_answers(found, choose_held_out(found, 0.1))) == []
