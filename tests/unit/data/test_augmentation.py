"""Copies of documents: what each way does to real text, and that chance is the document's own."""

# ruff: noqa: RUF001 - letters that look alike in other scripts

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.prose import CODE, EMOJI, PROSE
from support.stage_context import stage_context
from support.wordnet_files import write_wordnet

from llmtrain_api.spec.augmentation import Augmentation
from llmtrain_trainer.data.augmentation.base import REPEATED, UNCHANGED, Left
from llmtrain_trainer.data.augmentation.copying import Copying, augmenters
from llmtrain_trainer.data.augmentation.keyboard import neighbours
from llmtrain_trainer.data.augmentation.synonyms import NOT_ENGLISH
from llmtrain_trainer.data.sentences import count_sentences, sentence_spans
from llmtrain_trainer.errors import UserError

TEXTS = {language: " ".join(sentences) for language, sentences in PROSE.items()}
SPACED = [language for language in PROSE if language != "Chinese"]
WAYS: dict[str, dict[str, Any]] = {
    "synonymReplacement": {"rate": 0.5},
    "randomInsertion": {"rate": 0.5},
    "randomSwap": {"rate": 0.2},
    "randomDeletion": {"rate": 0.2},
    "sentenceShuffle": {},
    "keyboardTypos": {"rate": 0.2},
}


@pytest.fixture(scope="module")
def wordnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wordnet(tmp_path_factory.mktemp("job") / "inputs" / "wordnet")


def copying(wordnet: Path, *ways: dict[str, Any], seed: int = 7) -> Copying:
    listed = []
    for way in ways:
        ((kind, settings),) = way.items()
        more = {"wordnet": "wordnet"} if kind in {"synonymReplacement", "randomInsertion"} else {}
        listed.append(Augmentation.model_validate({kind: settings | more}))
    found = augmenters(listed)
    context = stage_context("data", wordnet.parents[1], data={"sources": [{"pythonDocs": {}}]})
    return Copying({name: each.located(context) for name, each in found.items()}, seed)


def copy_of(text: str, wordnet: Path, kind: str) -> str | Left:
    ((name, copy),) = copying(wordnet, {kind: WAYS[kind]}).copies(text)
    assert name == kind
    return copy


def text_of(text: str, wordnet: Path, kind: str) -> str:
    copy = copy_of(text, wordnet, kind)
    assert isinstance(copy, str)
    return copy


@pytest.mark.parametrize("language", SPACED)
def test_words_change_places_within_their_sentences(language: str, wordnet: Path) -> None:
    text = TEXTS[language]
    copy = text_of(text, wordnet, "randomSwap")
    for before, (start, stop) in zip(PROSE[language], *sentence_spans(text), strict=True):
        assert sorted(copy[start:stop]) == sorted(before)
        assert copy[stop - 1] == before[-1]


@pytest.mark.parametrize("language", SPACED)
def test_words_are_left_out_and_marks_stay(language: str, wordnet: Path) -> None:
    text = TEXTS[language]
    copy = text_of(text, wordnet, "randomDeletion")
    assert len(text.split()) - len(copy.split()) == round(0.2 * len(text.split()))
    assert not any(map(str.isspace, (copy[0], copy[-1]))) and "  " not in copy  # noqa: PT018
    marks = [
        [letter for letter in each if unicodedata.category(letter)[0] == "P"]
        for each in (text, copy)
    ]
    assert marks[0] == marks[1]


@pytest.mark.parametrize("language", PROSE)
def test_sentences_come_in_another_order(language: str, wordnet: Path) -> None:
    space = "" if language == "Chinese" else " "
    first, second = (space.join(PROSE[language][part]) for part in (slice(3), slice(3, 6)))
    text = f"{first}\n\n{second}\n"
    copy = text_of(text, wordnet, "sentenceShuffle")
    assert copy != text
    assert copy.count("\n") == 3
    for before, after in zip((first, second), copy.split("\n\n"), strict=True):
        assert before != after.strip("\n")
        assert sorted(before) == sorted(after.strip("\n"))
    found = {copy[start:stop] for spans in sentence_spans(copy) for start, stop in spans}
    assert found == set(PROSE[language])


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. Smith saw it, e.g. at St. Paul's. He left.", 2),
        ("Is it so? yes it is.", 1),
        ("他说：「好。」她走了。", 2),
        ("He said: “No.” (Nobody heard.)\nShe left", 3),
        ("no mark at all", 1),
        ("   ", 0),
        ("!" * 100_000, 1),
    ],
)
def test_ends_of_sentences(text: str, sentences: int) -> None:
    assert sum(map(len, sentence_spans(text))) == sentences


def test_a_closing_bracket_begins_no_sentence() -> None:
    assert count_sentences("他说：「好。」") == 1


@pytest.mark.parametrize("language", ["English", "German", "Czech"])
def test_a_wrong_letter_is_beside_the_right_one(language: str, wordnet: Path) -> None:
    text = TEXTS[language]
    copy = text_of(text, wordnet, "keyboardTypos")
    assert len(copy) == len(text)
    changed = [(one, other) for one, other in zip(text, copy, strict=True) if one != other]
    words = [word for word in text.split() if sum(map(str.isalnum, word)) >= 4]
    assert len(changed) == round(0.2 * len(words))
    assert all(other.lower() in neighbours()[one.lower()] for one, other in changed)
    first = {word[0] for word in text.split()}
    assert {word[0] for word in copy.split()} == first


def test_a_keyboard_is_a_grid_of_keys() -> None:
    assert set(neighbours()["g"]) == set("tyfhvb")
    assert set(neighbours()["q"]) == set("wa")
    assert set(neighbours()["й"]) == set("цф")
    assert set(neighbours()["α"]) == set("ςσζ")


def test_english_words_get_synonyms_of_their_usual_sense(wordnet: Path) -> None:
    found = set()
    for number in range(12):
        text = f"{TEXTS['English']} The US and America are closed, never rare: {number}."
        copy = text_of(text, wordnet, "synonymReplacement")
        before, after = text.split(" "), copy.split(" ")
        found |= set(after) - set(before)
    # Capitals, `told` and `burned`, which may be forms of other words, `shut(p)`, which cannot
    # stand everywhere, and `rare`, whose sense is never tagged, have no part in it.
    assert found == {"ferryboat", "haven", "seaport", "gustation", "potent", "two", "times,"}


def test_a_synonym_is_inserted_into_the_sentence(wordnet: Path) -> None:
    copy = text_of(TEXTS["English"], wordnet, "randomInsertion")
    spans = next(iter(sentence_spans(copy)))
    sentences = [copy[start:stop].split() for start, stop in spans]
    grown = [
        len(after) - len(before.split())
        for before, after in zip(PROSE["English"], sentences, strict=True)
    ]
    assert sum(grown) >= 2
    assert min(grown) == 0
    firsts = [before.split()[0] for before in PROSE["English"]]
    assert [after[0] for after in sentences] == firsts


@pytest.mark.parametrize(
    ("kind", "text", "left"),
    [
        ("randomSwap", TEXTS["Chinese"], UNCHANGED),
        ("randomDeletion", TEXTS["Chinese"], UNCHANGED),
        ("randomDeletion", "Word.", UNCHANGED),
        ("randomSwap", EMOJI, UNCHANGED),
        ("sentenceShuffle", "One sentence alone", UNCHANGED),
        ("keyboardTypos", TEXTS["Arabic"], UNCHANGED),
        *(
            ("synonymReplacement", TEXTS[language], NOT_ENGLISH)
            for language in [*SPACED[1:], "Chinese"]
        ),
        ("synonymReplacement", CODE[:300], NOT_ENGLISH),
        ("randomInsertion", TEXTS["German"], NOT_ENGLISH),
        ("synonymReplacement", "The committee met again to discuss the budget.", UNCHANGED),
    ],
)
def test_what_cannot_be_changed_is_left(kind: str, text: str, left: Left, wordnet: Path) -> None:
    assert copy_of(text, wordnet, kind) == left


def test_copies_differ_from_one_another(wordnet: Path) -> None:
    made = copying(wordnet, {"randomSwap": {"copies": 5}}, {"sentenceShuffle": {"copies": 2}})
    copies = [copy for _, copy in made.copies(TEXTS["English"])]
    assert len({TEXTS["English"], *copies}) == 8
    two = [copy for _, copy in made.copies("Yes it is. No it was.")]
    assert two.count(REPEATED) >= 1


def test_a_share_of_the_documents_is_chosen_by_their_text(wordnet: Path) -> None:
    texts = [f"The text of number {n} is short." for n in range(400)]
    made = copying(wordnet, {"randomSwap": {"share": 0.25}}, {"randomDeletion": {"share": 0.25}})
    chosen = [{name for name, _ in made.copies(text)} for text in texts]
    counts = [sum(name in each for each in chosen) for name in made.augmenters]
    assert all(70 < count < 130 for count in counts)
    both = sum(len(each) == 2 for each in chosen)
    assert 10 < both < 45  # ways choose independently
    assert [{name for name, _ in made.copies(text)} for text in reversed(texts)] == chosen[::-1]


def test_the_seed_makes_other_copies(wordnet: Path) -> None:
    one, again, other = (
        [*copying(wordnet, {"randomSwap": {}}, seed=seed).copies(TEXTS["English"])]
        for seed in (1, 1, 2)
    )
    assert one == again != other


def test_the_second_way_of_a_kind_draws_anew(wordnet: Path) -> None:
    made = copying(wordnet, {"randomSwap": {}}, {"randomSwap": {}})
    (first, one), (second, other) = made.copies(TEXTS["German"])
    assert (first, second) == ("randomSwap", "randomSwap-2")
    assert one != other


@pytest.mark.slow
@settings(max_examples=40)
@given(text=st.text(max_size=80), more=st.text(max_size=20))
def test_any_text_is_copied_in_the_same_way_beside_others(
    wordnet: Path, text: str, more: str
) -> None:
    made = copying(wordnet, *({kind: settings} for kind, settings in WAYS.items()))
    found = [*made.copies(text)]
    assert [name for name, _ in found] == [*WAYS]
    [*made.copies(more)]
    assert [*made.copies(text)] == found
    for _, copy in found:
        assert isinstance(copy, Left) or (copy != text and copy.strip())


@pytest.mark.parametrize("way", ["synonymReplacement", "randomInsertion"])
def test_wordnet_that_is_missing_is_named(way: str, tmp_path: Path) -> None:
    (found,) = augmenters([Augmentation.model_validate({way: {"wordnet": "nowhere"}})]).values()
    with pytest.raises(
        UserError, match=rf"data\.augment\[0\]\.{way}\.wordnet: .*nowhere lacks cnt"
    ):
        found.located(stage_context("data", tmp_path, data={"sources": [{"pythonDocs": {}}]}))


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("cntlist.rev", "ferry%9:06:00:: 1 3\n", r"cntlist\.rev: line 1 is not"),
        ("cntlist.rev", "ferry\n", r"cntlist\.rev: line 1 is not"),
        ("verb.exc", "told\n", r"verb\.exc: line 1 is not"),
        ("index.noun", "ferry n 1 x @ 1 1 00000050\n", r"index\.noun: line 1 is not"),
        ("data.noun", "  1 a licence\n", r"data\.noun: there is no synset at byte"),
    ],
)
def test_broken_files_of_wordnet_are_named(
    file: str, content: str, named: str, tmp_path: Path
) -> None:
    folder = write_wordnet(tmp_path / "inputs" / "wordnet")
    (folder / file).write_text(content)
    with pytest.raises(UserError, match=named):
        [*copying(folder, {"synonymReplacement": {}}).copies(TEXTS["English"])]


@pytest.mark.parametrize(
    "way",
    [
        {"randomSwap": {"rate": 0}},
        {"randomSwap": {"rate": 0.6}},
        {"randomSwap": {"copies": 0}},
        {"randomSwap": {"copies": 17}},
        {"randomSwap": {"share": 0}},
        {"sentenceShuffle": {"rate": 0.1}},
        {},
    ],
)
def test_settings_have_bounds(way: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Augmentation.model_validate(way)
