"""Misspelled words are found in prose of their language, and nothing else is touched."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.prose import CODE, EMOJI, PROSE
from support.stage_context import documents_of, stage_context

from llmtrain_api.data_report import DataReport, StepReport
from llmtrain_api.spec.step_sections.spelling import Spelling
from llmtrain_trainer.data.documents import Document, document_key
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.spelling.corrections import corrections
from llmtrain_trainer.data.spelling.dictionary import Dictionary
from llmtrain_trainer.data.spelling.rounds import with_corrections, with_spelling
from llmtrain_trainer.data.spelling.words import words_of_prose
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext

EAGER: dict[str, object] = {"mode": "correct", "minFrequencyRatio": 1}
TEXTS = {language: "\n".join(sentences) for language, sentences in PROSE.items()} | {
    "emoji": EMOJI,
    "code": CODE,
}
GOOD = "They receive the letter from the committee, which is definitely the beginning."
BAD = "They recieve the letter from the comittee, which is definately the beginnig."


def after(*texts: str, **section: object) -> list[str]:
    """What the step makes of documents."""
    documents = [Document(text, document_key(text)) for text in texts]
    checked = with_spelling(documents, Spelling.model_validate(EAGER | section), None)
    assert [each.key for each in checked] == [document_key(each.text) for each in checked]
    return [each.text for each in checked]


@pytest.mark.slow
@pytest.mark.parametrize("language", TEXTS)
def test_text_in_every_language_stays_as_it_is(language: str) -> None:
    text = TEXTS[language]
    assert after(text, GOOD, GOOD) == [text, GOOD, GOOD]
    assert after(f"{text}\n{BAD}", GOOD)[0].startswith(text)


@pytest.mark.slow
def test_misspelled_words_are_corrected_where_the_right_ones_are_far_more_frequent() -> None:
    assert after(BAD, GOOD) == [GOOD, GOOD]
    assert after(BAD, GOOD, mode="report") == [BAD, GOOD]
    assert after(BAD, *[GOOD] * 9, minFrequencyRatio=10)[0] == BAD
    assert after(BAD, *[GOOD] * 10, minFrequencyRatio=10)[0] == GOOD


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "Recieve and RECIEVE the letter of the committee, as it is written in the beginning.",
        "We use recieve() and self.recieve in the letter of the committee from the beginning.",
        "The word re-recieve, recieve's and recieve2 are in the letter from the beginning.",
        "    recieve the letter\n\tthat they recieve from the committee in the beginning",
        "See the page https://example.com/ recieve for the letter of the committee.",
        "The emojis and the iphone of the committee are in the letter from the beginning.",
        "Sie recieve den Brief nicht, weil der Hafen seit heute Morgen gesperrt ist.",
    ],
)
def test_names_code_inflections_and_other_languages_stay(text: str) -> None:
    others = [GOOD, "The emoji and the phone are in the letter."]
    assert after(text, *others)[0] == text


def test_words_are_those_of_prose() -> None:
    text = (
        'He said: "teh wrods (are) fine" and café—crème… but Not don\'t well-known a.b.cdef, ends.'
    )
    assert [*words_of_prose(text)] == ["said", "wrods", "fine", "ends"]
    assert [*words_of_prose("some prose\nx = call(y)\nmore prose")] == []
    lines = ["some words of prose here"] * 5
    assert len([*words_of_prose("\n".join([*lines, "x = call(y)"]))]) == 5 * 4


def test_a_slip_is_one_letter_but_no_ending_and_not_the_first() -> None:
    words = Dictionary(iter([("letter", 50), ("latter", 90), ("phone", 9), ("emoji", 9)]))
    slips = {"lettre": "letter", "lettr": "letter", "leetter": "letter", "lutter": "latter"}
    others = ("etter", "lett", "letters", "iphone", "emojis", "emoj", "leterr", "xyzzyx")
    assert {word: words.suggestion(word) for word in (*slips, *others)} == slips | dict.fromkeys(
        others
    )
    assert words.knows("letter")
    assert not words.knows("letters")


def test_the_right_word_is_far_more_frequent_in_the_documents() -> None:
    words = Dictionary(iter([("receive", 1)]))
    counts = {"recieve": 2, "receive": 1999}
    assert corrections(counts, words, 1000) == {}
    assert corrections(counts | {"receive": 2000}, words, 1000) == {"recieve": "receive"}
    assert corrections({"receive": 2000}, words, 1000) == {}


@given(st.text(max_size=200) | st.text("ab \n.,'=-\u00e9\u0301\u4e2d\U0001f44d", max_size=60))
def test_any_text_without_listed_words_stays_as_it_is(text: str) -> None:
    words = {*words_of_prose(text)}
    assert with_corrections(text, {}) == text
    swapped = with_corrections(text, {word: word[::-1] for word in words})
    assert len(swapped) == len(text)
    assert sorted(swapped) == sorted(text)


def context_in(folder: Path, texts: list[str], section: dict[str, object]) -> StageContext:
    """A job with one step."""
    (folder / "inputs").mkdir(exist_ok=True)
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (folder / "inputs" / "a.jsonl").write_text(lines)
    files = {"paths": ["a.jsonl"], "format": "jsonl"}
    data = {"sources": [{"files": files}], "steps": [{"spelling": section}, {"exactDedup": {}}]}
    return stage_context("data", folder, data=data)


def made_in(context: StageContext) -> tuple[list[str], tuple[StepReport, ...]]:
    """All documents, and the reports on the steps."""
    DATA_STAGE.work(context)
    sides = [documents_of(context.workspace, side) for side in ("train", "validation")]
    report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    return [text for side in sides for text in side], report.steps


@pytest.mark.slow
def test_the_report_shows_what_is_or_would_be_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [BAD, f"1. {GOOD}", f"2. {GOOD}", "2. " + GOOD.replace("letter", "lettre")]
    context = context_in(tmp_path, texts, {"minFrequencyRatio": 2})
    documents, (spelling, exact) = made_in(context)
    assert sorted(documents) == sorted(texts)
    assert (spelling.changed_documents, exact.dropped_by_rule) == (0, {})
    found = spelling.misspellings
    assert found is not None
    assert not found.corrected
    words = [(each.word, each.correct, each.occurrences) for each in found.most_frequent]
    assert words == [
        ("beginnig", "beginning", 1),
        ("comittee", "committee", 1),
        ("definately", "definitely", 1),
        ("lettre", "letter", 1),
        ("recieve", "receive", 1),
    ]
    assert (found.words, found.occurrences) == (5, 5)
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 100)
    context = context_in(tmp_path, texts, {"minFrequencyRatio": 2, "mode": "correct"})
    documents, (spelling, exact) = made_in(context)
    # The last one is the same as another now.
    assert sorted(documents) == sorted([GOOD, f"1. {GOOD}", f"2. {GOOD}"])
    assert (spelling.changed_documents, exact.dropped_by_rule) == (2, {"repeated": 1})
    assert spelling.misspellings == found.replace(corrected=True)


@pytest.mark.slow
def test_another_language_has_a_dictionary_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    path = tmp_path / "inputs" / "de.txt"
    path.write_text("verbrannte 40\nkürzeren 30\n")
    good, bad = PROSE["German"][2], PROSE["German"][2].replace("verbrannte", "verbrante")
    section: dict[str, object] = {**EAGER, "language": "de", "dictionary": "de.txt"}
    context = context_in(tmp_path, [good, bad, PROSE["English"][2]], section)
    documents, _ = made_in(context)
    assert sorted(documents) == sorted([good, PROSE["English"][2]])
    path.write_text("verbrannte 40\nkürzeren\n")
    with pytest.raises(UserError, match=r"spelling\.dictionary de\.txt: line 2: each line must be"):
        DATA_STAGE.work(context)
    path.unlink()
    with pytest.raises(UserError, match=r"spelling\.dictionary de\.txt: no such file"):
        DATA_STAGE.work(context)
