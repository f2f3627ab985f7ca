"""Rules for web text: each drops what it is for, in any script, and at its bound."""

import pytest
from support.prose import CODE, EMOJI, PROSE

from llmtrain_api.spec.step_sections.quality import C4, FineWeb, GopherRepetition
from llmtrain_trainer.data.sentences import count_sentences
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.data.steps.c4 import C4Step, prose
from llmtrain_trainer.data.steps.fine_web import FineWebStep, broken_line_rule
from llmtrain_trainer.data.steps.gopher_repetition import (
    GopherRepetitionStep,
    broken_repetition_rule,
)

ENGLISH = " ".join(PROSE["English"])


@pytest.mark.parametrize("language", PROSE)
def test_prose_in_any_script_stays(language: str) -> None:
    in_lines, in_one = "\n".join(PROSE[language]), " ".join(PROSE[language])
    for text in (in_lines, in_one):
        assert broken_repetition_rule(text, GopherRepetition()) is None
        assert prose(text, C4()) == text
    assert broken_line_rule(in_one, FineWeb()) is None
    # Three lines of Chinese are shorter than 30 letters each.
    assert broken_line_rule(in_lines, FineWeb(short_line_characters=10)) is None


@pytest.mark.parametrize("language", PROSE)
def test_repeated_text_in_any_script_is_dropped(language: str) -> None:
    first, second = PROSE[language][:2]
    assert broken_repetition_rule("\n".join([first] * 5), GopherRepetition()) == "duplicateLines"
    text = f"{ENGLISH * 2}\n{first} {second} {first} {second}"
    assert broken_repetition_rule(text, GopherRepetition()) == "duplicate5Grams"
    lines = "\n".join([*PROSE[language], first])
    rule = broken_line_rule(lines, FineWeb(short_line_characters=10))
    assert rule == "duplicateLineCharacters"


def test_code_and_emoji_are_no_web_prose() -> None:
    assert broken_line_rule(CODE, FineWeb()) == "punctuatedLines"
    assert prose(CODE, C4()) == Dropped("curlyBracket")
    assert broken_repetition_rule(EMOJI, GopherRepetition()) == "top2Gram"
    assert broken_line_rule(EMOJI, FineWeb()) == "punctuatedLines"
    assert prose(EMOJI, C4()) == Dropped("minSentences")


LONG = "one two three four five six seven eight nine ten"
REPETITION_CASES = [
    ("maxDuplicateParagraphs", 0.3, f"{ENGLISH}\n\na\n\na\n\nb\n\nb", "duplicateParagraphs"),
    (
        "maxDuplicateParagraphCharacters",
        0.2,
        f"{ENGLISH}\n\n{ENGLISH}\n\nx\n\ny",
        "duplicateParagraphCharacters",
    ),
    ("maxDuplicateLines", 0.3, f"{ENGLISH}\na\na\nb\nb", "duplicateLines"),
    ("maxDuplicateLineCharacters", 0.2, f"{ENGLISH}\n{ENGLISH}\nx\ny", "duplicateLineCharacters"),
    ("maxTop2Gram", 0.2, f"{LONG} " + "go on " * 6, "top2Gram"),
    ("maxTop3Gram", 0.18, f"{ENGLISH} {'an other tale ' * 6}", "top3Gram"),
    ("maxTop4Gram", 0.16, f"{ENGLISH} {'all of an apple ' * 5}", "top4Gram"),
    ("maxDuplicate5Grams", 0.15, f"{ENGLISH} {LONG} {LONG} {LONG}", "duplicate5Grams"),
]


@pytest.mark.parametrize(("field", "default", "text", "rule"), REPETITION_CASES)
def test_each_bound_on_repetition_is_a_field(
    field: str, default: float, text: str, rule: str
) -> None:
    bounds = GopherRepetition().model_dump(by_alias=True)
    assert bounds[field] == default
    others = {name: 1.0 for name in bounds if name != field}
    alone = GopherRepetition.model_validate(others | {field: default})
    assert broken_repetition_rule(text, alone) == rule
    loose = GopherRepetition.model_validate(dict.fromkeys(bounds, 1.0))
    assert broken_repetition_rule(text, loose) is None


def test_marks_alone_are_no_words() -> None:
    marks = "\u0e4f \u0e4f."  # Thai bullets
    assert broken_repetition_rule(marks, GopherRepetition()) == "empty"
    assert prose(marks, C4(min_words_per_line=0, max_word_length=1)) == Dropped("minSentences")


def test_what_occurs_once_is_no_repetition() -> None:
    few = "internationalization standardization recommendations specification"
    assert broken_repetition_rule(few, GopherRepetition()) is None


@pytest.mark.parametrize(
    ("field", "bound", "text", "rule"),
    [
        ("minPunctuatedLines", 0.12, "no mark here\n" * 9 + ENGLISH, "punctuatedLines"),
        ("maxShortLines", 0.67, f"Yes.\nNo.\nSo.\n{ENGLISH}", "shortLines"),
        ("shortLineCharacters", 60, "\n".join(PROSE["English"]), "shortLines"),
        ("maxDuplicateLineCharacters", 0.01, f"{ENGLISH}\nNot?\nNot?", "duplicateLineCharacters"),
        ("maxNewlinesPerWord", 0.3, f"Yes.\n\nNo.\n\n{ENGLISH}", None),
        ("maxNewlinesPerWord", 0.3, ENGLISH + "\n" * 60, "newlines"),
    ],
)  # fmt: skip
def test_each_bound_on_lines_is_a_field(
    field: str, bound: float, text: str, rule: str | None
) -> None:
    loose = {
        "minPunctuatedLines": 0.0,
        "maxShortLines": 1.0 if field != "shortLineCharacters" else 0.67,
        "maxDuplicateLineCharacters": 1.0,
        "maxNewlinesPerWord": 1000.0,
    }
    assert broken_line_rule(text, FineWeb.model_validate(loose)) is None
    assert broken_line_rule(text, FineWeb.model_validate(loose | {field: bound})) == rule


LINES = PROSE["English"]


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ('He said: "Come with me."', True),
        ("He said \u201cCome with me\u201d", True),
        ("Read more here", False),
        ("And so it went on...", False),
        ("Very short.", False),
        (f"A word of {'x' * 1001} letters.", False),
        ("This page needs Javascript to be shown.", False),
        ("By going on you accept the privacy policy of this site.", False),
    ],
)
def test_lines_that_are_no_prose_are_taken_out(line: str, *, stays: bool) -> None:
    text = "\n".join((line, *LINES))
    assert prose(text, C4()) == (text if stays else "\n".join(LINES))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("Lorem ipsum dolor sit amet.", "loremIpsum"),
        ("Here it begins: { and so on.", "curlyBracket"),
    ],
)
def test_some_lines_drop_the_page(line: str, rule: str) -> None:
    assert prose("\n".join((*LINES, line)), C4()) == Dropped(rule)


def test_citation_marks_go_and_sentences_are_counted() -> None:
    text = "The lake[1] is deep[citation needed]. It is cold. Very cold! Is it? Yes. No."
    assert prose(text, C4()) == "The lake is deep. It is cold. Very cold! Is it? Yes. No."
    assert prose(text, C4(min_sentences=7)) == Dropped("minSentences")
    assert count_sentences("She paid 3.50 for it, i.e. too much.") == 2  # an abbreviation
    assert count_sentences("渡轮离开港口。没有人知道。") == 2


def test_every_rule_has_a_reason_for_people() -> None:
    repetition = {rule for *_, rule in REPETITION_CASES}
    assert repetition <= set(GopherRepetitionStep(GopherRepetition()).reasons)
    lines = {"punctuatedLines", "shortLines", "duplicateLineCharacters", "newlines"}
    assert lines == set(FineWebStep(FineWeb()).reasons)
    assert {"loremIpsum", "curlyBracket", "minSentences"} == set(C4Step(C4()).reasons)
