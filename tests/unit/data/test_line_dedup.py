"""Lines that came before in other documents are taken out, in every language."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.prose import CODE, EMOJI, PROSE

from llmtrain_api.spec.step_sections.deduplication import LineDedup, LineUnit
from llmtrain_trainer.data.documents import Document, document_key
from llmtrain_trainer.data.lines.in_memory import without_repeated_lines
from llmtrain_trainer.data.lines.parts import parts

LINES = {language: [*sentences] for language, sentences in PROSE.items()} | {
    "emoji": [EMOJI.strip(), f"🎈 {EMOJI}".strip(), f"🎈 🎈 {EMOJI}".strip()],
    "code": [line for line in CODE.split("\n") if len(line.split()) > 7][:6],
}
EAGER = LineDedup(min_document_words=0)


def kept(section: LineDedup, *texts: str) -> list[str]:
    """What is left of documents."""
    documents = [Document(text, document_key(text)) for text in texts]
    return [each.text for each in without_repeated_lines(documents, section)]


@pytest.mark.parametrize("language", LINES)
def test_a_line_stays_in_the_first_document_that_has_it(language: str) -> None:
    first, second, *others = LINES[language]
    other = f"  {second.upper()}\t".replace(" ", "  ")  # white space and case say nothing
    menu = "}\n\nOK"
    documents = [
        f"{first}\n{menu}\n{second}\n{second}",  # a refrain
        "\n".join((menu, other, *others, first)),
        f"{second}\n{menu}",
    ]
    assert kept(EAGER, *documents) == [documents[0], "\n".join((menu, *others)), menu]


@pytest.mark.parametrize("language", LINES)
def test_paragraphs_are_the_lines_between_blank_ones(language: str) -> None:
    first, second, third, *_ = LINES[language]
    section = EAGER.replace(unit=LineUnit.PARAGRAPH)
    documents = [
        f"{first}\n{second}\n\n{third}",
        f"{third}\n\n\n{first}\n\n{first}\n{second}\n \n{second}",
    ]
    # The lines `first` and `second` alone are other paragraphs than both together.
    assert kept(section, *documents) == [documents[0], f"{first}\n\n{second}"]


def test_a_line_is_repeated_from_a_number_of_documents_on() -> None:
    quotation, notice = LINES["English"][:2]
    documents = [f"{quotation}\n{notice}\n1", f"{quotation}\n{notice}\n2", f"{notice}\n3"]
    assert kept(EAGER.replace(min_documents=3), *documents) == [
        documents[0],
        f"{quotation}\n2",
        "3",
    ]


def test_documents_with_little_left_are_dropped_and_others_stay() -> None:
    notice = LINES["English"][0]
    documents = [notice, "few words", f"{notice}\none two three", f"{notice}\none two three four"]
    section = LineDedup(min_document_words=4)
    assert kept(section, *documents) == [notice, "few words", "one two three four"]
    assert kept(EAGER, notice, f"\n{notice} ", "few words") == [notice, "few words"]


TEXTS = st.lists(
    st.lists(
        st.text(max_size=12)
        | st.sampled_from(["a b", "A  b ", "", " ", "漢字", "}", "\r", "\u2028"]),
        max_size=8,
    ).map("\n".join),
    max_size=5,
)


@given(TEXTS, st.sampled_from(LineUnit), st.integers(1, 3), st.integers(2, 3))
def test_no_line_is_left_twice_whatever_the_text(
    texts: list[str], unit: LineUnit, min_words: int, min_documents: int
) -> None:
    section = EAGER.replace(unit=unit, min_words=min_words, min_documents=min_documents)
    for text in texts:
        assert "\n".join(part.text for part in parts(text, section)) == text
    left = kept(section, *texts)
    assert kept(section, *left) == left
    hashes = [{part.hash for part in parts(text, section)} - {None} for text in left]
    counts = Counter(each for found in hashes for each in found)
    assert all(count < min_documents for count in counts.values())
    before = {part.hash for text in texts for part in parts(text, section)}
    assert {each for found in hashes for each in found} | {None} == before | {None}
