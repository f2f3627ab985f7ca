"""Documents that share most of their sequences of words are found, in every script."""

import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.texts import TEXTS

from llmtrain_api.spec.step_sections.deduplication import NearDedup
from llmtrain_trainer.data.documents import normal_text
from llmtrain_trainer.data.near import shingles as shingling
from llmtrain_trainer.data.near.components import components
from llmtrain_trainer.data.near.in_memory import first_alike
from llmtrain_trainer.data.near.pairs import Ids, alike
from llmtrain_trainer.data.near.shingles import Shingles, shingles
from llmtrain_trainer.data.near.signatures import shortened, signatures, similarity
from llmtrain_trainer.data.scripts import split_words

DEFAULTS = NearDedup()
SLOTS = 112


def edited(text: str, places: int, seed: int = 0) -> str:
    """A text in which some words, or letters of scripts without spaces, are others."""
    words = split_words(text)
    choose = np.random.default_rng(seed)
    for place in choose.choice(len(words), places, replace=False):
        words[place] = "另" if len(words[place]) == 1 else "altered"
    return " ".join(words)


def shingles_of(text: str) -> set[tuple[str, ...]]:
    """The sequences of five words."""
    words = split_words(normal_text(text))
    if len(words) < 5:
        return {tuple(words)} if words else set()
    return set(zip(*(words[n:] for n in range(5)), strict=False))


def jaccard(one: str, other: str) -> float:
    """The exact similarity of two texts."""
    first, second = shingles_of(one), shingles_of(other)
    return len(first & second) / len(first | second)


def signatures_of(texts: list[str]) -> NDArray[np.uint64]:
    """The signatures of some texts."""
    return np.concatenate([signatures(each, SLOTS) for each in shingles(texts, 5)])


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_with_another_word_is_dropped_and_its_words_in_another_order_stay(
    text: str,
) -> None:
    *words, end = split_words(text)
    changed = " ".join([*words[:-1], "altered", end])
    assert 0.8 < jaccard(text, changed) < 1
    mixed_up = " ".join(reversed(split_words(text)))
    others = [other for other in TEXTS.values() if other != text]
    texts = [*others, text, mixed_up, f" \n{changed.upper()}\t"]
    assert [*first_alike(texts, DEFAULTS)] == [*range(len(texts) - 1), len(others)]


def test_documents_with_fewer_words_than_a_sequence_are_compared_as_a_whole() -> None:
    texts = ["One two three", "one  two\nTHREE", "one two four", "one", "One", "one two three four"]
    assert [*first_alike(texts, DEFAULTS)] == [0, 0, 2, 3, 3, 5]


def test_documents_without_words_are_like_no_other() -> None:
    texts = ["", " \n", "", "\u0f0b\u0f0b", "\u0f0b\u0f0b", "..."]
    assert [*first_alike(texts, DEFAULTS)] == [0, 1, 2, 3, 4, 5]


def test_documents_that_are_alike_through_others_are_one_cluster() -> None:
    words = [f"word{number}" for number in range(300)]
    chain = [" ".join(words[start : start + 200]) for start in range(0, 81, 10)]
    assert jaccard(chain[0], chain[-1]) < 0.5
    assert jaccard(chain[0], chain[1]) > 0.85
    np.random.default_rng(0).shuffle(chain)
    assert [*first_alike(["another text", *chain], DEFAULTS)] == [0] + [1] * len(chain)


def test_the_similarity_that_counts_is_a_setting() -> None:
    text = " ".join(f"word{number}" for number in range(200))
    texts = [text, edited(text, 5)]
    assert 0.7 < jaccard(*texts) < 0.85
    assert [*first_alike(texts, DEFAULTS)] == [0, 0]
    assert [*first_alike(texts, NearDedup(min_similarity=0.95))] == [0, 1]
    assert [*first_alike(texts, NearDedup(ngram_words=32))] == [0, 1]
    far = [text, edited(text, 25)]
    assert jaccard(*far) < 0.5
    eager = NearDedup(bands=56, rows_per_band=2, min_similarity=0.2)
    assert [*first_alike(far, eager)] == [0, 0]


def test_pairs_are_found_as_by_their_exact_similarity() -> None:
    choose = np.random.default_rng(1)
    vocabulary = [f"w{number}" for number in range(3000)]
    texts = []
    for number in range(250):
        length = int(choose.choice([60, 150, 400]))
        text = " ".join(choose.choice(vocabulary, length))
        # A word that is another changes five sequences.
        texts += [
            text,
            edited(text, int(choose.integers(0, length // 25, endpoint=True)), seed=number),
        ]
    firsts = first_alike(texts, DEFAULTS)
    exact = [jaccard(one, other) for one, other in zip(texts[::2], texts[1::2], strict=True)]
    found = [*(firsts[::2] == firsts[1::2])]
    near = [is_found for is_found, share in zip(found, exact, strict=True) if share >= 0.8]
    assert len(near) > 100
    assert sum(near) >= 0.95 * len(near)
    assert not any(f for f, share in zip(found, exact, strict=True) if share < 0.55)
    assert len(set(firsts)) >= 250  # no document is like that of another pair


def test_the_estimated_similarity_is_the_exact_one_but_for_its_standard_error() -> None:
    choose = np.random.default_rng(2)
    vocabulary = [f"w{number}" for number in range(9999)]
    errors = []
    for length in (8, 30, 120, 1000):
        for number in range(25):
            text = " ".join(choose.choice(vocabulary, length))
            other = edited(text, max(1, length // 40), seed=number)
            short = shortened(signatures_of([text, other]))
            share = jaccard(text, other)
            errors.append((similarity(short[:1], short[1:])[0] - share) / 0.05)
    assert abs(np.mean(errors)) < 0.25
    assert np.std(errors) < 1


@given(texts=st.lists(st.text(max_size=60) | st.text("ab \n", max_size=40), max_size=6))
def test_a_signature_depends_on_its_text_alone(texts: list[str]) -> None:
    counts = np.concatenate([np.empty(0), *(each.counts for each in shingles(texts, 5))])
    assert len(counts) == len(texts)
    single = [signatures_of([text])[0] for text in texts]
    if texts:
        together = signatures_of(texts)
        assert all(
            np.array_equal(one, other)
            for one, other, count in zip(together, single, counts, strict=True)
            if count
        )
    for (one, first), (other, second) in combinations(zip(texts, single, strict=True), 2):
        if shingles_of(one) and shingles_of(other):
            assert (shingles_of(one) == shingles_of(other)) is np.array_equal(first, second)


def test_a_signature_does_not_depend_on_the_parts_in_which_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = " ".join(f"word{number}" for number in range(3000))
    short = "a few words in a document"
    whole = signatures_of([short, text, short])
    monkeypatch.setattr(shingling, "_CHUNK_BYTES", 100)
    monkeypatch.setattr("llmtrain_trainer.data.near.signatures._MOST_AT_ONCE", 64)
    monkeypatch.setattr("llmtrain_trainer.data.near.signatures._FEW", 1000)
    assert np.array_equal(signatures_of([short, text, short]), whole)


def test_a_signature_never_changes() -> None:
    # Written down: two versions of numpy, or two machines, must agree on what is alike.
    (found,) = signatures_of(["The quick brown fox jumps over the lazy dog"])
    assert found[:3].tolist() == [18139342237, 266379427439, 205231044601]


def test_a_huge_word_counts_as_several() -> None:
    word = "".join(np.random.default_rng(0).choice([*"abcdefgh"], 1_000_000))
    (found,) = shingles([f"one \n {word}\n\n"], 1)
    assert found.counts.tolist() == [2 + 1_000_000 // 2**16]
    texts = [word, word[:-1] + "!", word[::-1], "x" + word]
    assert [*first_alike(texts, DEFAULTS)] == [0, 0, 2, 3]


def test_the_work_on_a_hundred_thousand_documents_with_the_same_key_is_linear() -> None:
    count = 100_000
    compared = 0

    def compare(one: Ids, other: Ids) -> NDArray[np.float64]:
        nonlocal compared
        compared += len(one)
        return (one % 3 == other % 3).astype(float)  # three clusters share the key

    documents = np.arange(count, dtype=np.uint64)
    pairs = alike(np.zeros(count, np.uint64), documents, compare, 0.7)
    assert compared < 4 * count
    assert len(pairs) == count - 3
    members, firsts = components([pairs])
    assert np.array_equal(members, documents)
    assert np.array_equal(firsts, documents % 3)

    def never(one: Ids, other: Ids) -> NDArray[np.float64]:
        nonlocal compared
        compared += len(one)
        return np.zeros(len(other))

    compared = 0
    assert not len(alike(np.zeros(count, np.uint64), documents, never, 0.7))
    assert compared < 10 * count


def test_components_do_not_depend_on_the_order_or_parts_of_the_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose = np.random.default_rng(0)
    pairs = choose.integers(0, 3000, (1500, 2)).astype(np.uint64)
    neighbours: dict[int, set[int]] = {}
    for one, other in pairs.tolist():
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    expected: dict[int, int] = {}
    for start in sorted(neighbours):
        waiting = [] if start in expected else [start]
        while waiting:
            each = waiting.pop()
            if each not in expected:
                expected[each] = start
                waiting += neighbours[each]
    monkeypatch.setattr("llmtrain_trainer.data.near.components._PAIRS_AT_ONCE", 50)
    for parts in (np.split(pairs, 30), [pairs[::-1]], [pairs[:, ::-1]], np.split(pairs, 3)):
        members, firsts = components(parts)
        found = dict(zip(members.tolist(), firsts.tolist(), strict=True))
        assert found == expected
    assert [len(each) for each in components([])] == [0, 0]


def test_a_long_chain_is_one_component() -> None:
    numbers = np.random.default_rng(0).permutation(50_000).astype(np.uint64)
    _, firsts = components([np.stack([numbers[:-1], numbers[1:]], axis=1)])
    assert not firsts.any()


def test_words_are_those_of_the_exact_key_whatever_stands_between_them() -> None:
    spaces = [chr(code) for code in range(sys.maxunicode) if chr(code).isspace()]
    texts = ["one two", *(f"ONE{space}two" for space in spaces), f"{spaces[-1]}ä\x00b", "ä", "ä b"]
    firsts = first_alike(texts, DEFAULTS)
    assert {*firsts[: len(spaces) + 1]} == {0}
    assert len({*firsts}) == 4


def test_shingles_are_those_of_each_document() -> None:
    texts = ["a b c d e f", "", "a b", "b c d e f a", "A b  c d e"]
    (found,) = shingles(texts, 5)
    assert isinstance(found, Shingles)
    assert found.counts.tolist() == [2, 0, 1, 2, 1]
    first, second, few, other, _, same = found.hashes.tolist()
    assert same == first
    assert second == other
    assert len({first, second, few}) == 3
