"""The split of conversations, and a warning where a frequent answer is on one side only.

Conversations are held out by a hash of their text, so the choice is the same for every seed and
changes little when others are added. Exact repeats are on one side. Of each frequent answer, such
as the labels of a classifier, the same fraction is held out.
"""

from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.conversations.conversation import Conversation

_FREQUENT_SHARE = 0.01
_FREQUENT_COUNT = 5
_EXAMPLES_MAX = 100_000
_EXAMPLE_CHARACTERS = 60
_ANSWERS_NAMED = 3


class SeenConversations:
    """Hashes of conversations and of their answers, in the order in which they came."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self._answers = array("Q")
        self._examples: dict[int, str] = {}

    def __len__(self) -> int:
        """Number of conversations."""
        return len(self._keys)

    def add(self, conversation: Conversation) -> None:
        """Add the next one."""
        answer = conversation.answer_key
        self._keys.append(conversation.key)
        self._answers.append(answer)
        if len(self._examples) < _EXAMPLES_MAX:
            text = conversation.answers[:_EXAMPLE_CHARACTERS]
            self._examples.setdefault(answer, " ".join(text.split()))

    @property
    def keys(self) -> NDArray[np.uint64]:
        """Hash of each conversation, shape (len,)."""
        return np.array(self._keys, dtype=np.uint64)

    @property
    def answers(self) -> NDArray[np.uint64]:
        """Hash of what the assistant says in each conversation, shape (len,)."""
        return np.array(self._answers, dtype=np.uint64)

    def frequent_answers(self) -> NDArray[np.uint64]:
        """The answers that at least five conversations, and one in a hundred, give."""
        answers, counts = np.unique(self.answers, return_counts=True)
        least = max(_FREQUENT_COUNT, _FREQUENT_SHARE * len(self))
        frequent: NDArray[np.uint64] = answers[counts >= least]
        return frequent

    def example(self, answer: int) -> str:
        """The beginning of an answer."""
        return self._examples.get(answer, "...")


def choose_held_out(seen: SeenConversations, fraction: float) -> NDArray[np.bool_]:
    """Whether each conversation is held out, shape (len(seen),).

    Two different conversations are enough for both sides.

    Args:
        seen: all conversations.
        fraction: the share to hold out.
    """
    keys, answers = seen.keys, seen.answers
    different, first, repeats = np.unique(keys, return_index=True, return_counts=True)
    if len(different) < 2:  # noqa: PLR2004 - one for each side
        return np.zeros(len(seen), dtype=np.bool_)
    frequent = seen.frequent_answers()
    group = np.searchsorted(frequent, answers)  # the last group has the answers that are rare
    group[~np.isin(answers, frequent)] = len(frequent)
    sizes = np.bincount(group, minlength=len(frequent) + 1)
    quotas = _quotas(sizes, fraction)
    held_out = np.zeros(len(different), dtype=np.bool_)
    for number, quota in enumerate(quotas):
        members = np.flatnonzero(group[first] == number)
        held_out[members[_fill(repeats[members], int(quota))]] = True
    if not held_out.any():  # every conversation is repeated more often than a quota allows
        held_out[np.argmin(repeats)] = True
    chosen: NDArray[np.bool_] = np.isin(keys, different[held_out])
    return chosen


def _quotas(sizes: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """Held-out conversations of each group: the fraction, rounded by largest remainders."""
    total = int(sizes.sum())
    wanted = min(max(1, round(fraction * total)), total - 1)
    exact = sizes * (wanted / total)
    quotas: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(quotas - exact, kind="stable")
    quotas[order[: wanted - int(quotas.sum())]] += 1
    return quotas


def _fill(repeats: NDArray[np.int64], quota: int) -> NDArray[np.int64]:
    """The first conversations that fill a quota; one that would overfill it is passed over."""
    if (repeats == 1).all():
        return np.arange(min(quota, len(repeats)), dtype=np.int64)
    chosen, left = [], quota
    for number, count in enumerate(repeats.tolist()):
        if count <= left:
            chosen.append(number)
            left -= count
        if not left:
            break
    return np.array(chosen, dtype=np.int64)


def one_sided_answers(seen: SeenConversations, held_out: NDArray[np.bool_]) -> Iterator[str]:
    """A warning for frequent answers that are never learned, and one for those never validated.

    Args:
        seen: all conversations.
        held_out: whether each is held out.
    """
    answers, frequent = seen.answers, seen.frequent_answers()
    consequences = (
        (held_out, "only held out, so the model never learns to give them"),
        (~held_out, "never held out, so no validation measures them"),
    )
    for side, consequence in consequences:
        counted = {int(each): int((answers == each).sum()) for each in frequent}
        missing = [each for each in counted if not (answers[~side] == each).any()]
        if missing:
            named = ", ".join(
                f'"{seen.example(each)}" ({counted[each]} of {len(seen)} conversations)'
                for each in missing[:_ANSWERS_NAMED]
            )
            more = len(missing) - _ANSWERS_NAMED
            named += f" and {more} more" if more > 0 else ""
            yield (
                f"frequent answers are {consequence}: {named}; set finetune.data."
                "validationFraction or validationSources so that they are on both sides"
            )
