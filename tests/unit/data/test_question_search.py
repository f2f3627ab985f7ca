"""Evaluation questions are found in training texts however they are set, and nothing else is."""

# ruff: noqa: RUF001 - marks of other scripts are what is tested

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_trainer.data.contamination import search as searching
from llmtrain_trainer.data.contamination.index import QuestionIndex
from llmtrain_trainer.data.contamination.search import Match, Search, passage
from llmtrain_trainer.questions import Question

QUESTIONS = {
    "English": "Which river flows through the old town of the city where the treaty was signed?",
    "German": "Welcher Fluss fließt durch die Altstadt, in der im Jahr 1648 der Vertrag "
    "unterschrieben wurde?",
    "Czech": "Která řeka protéká starým městem, ve kterém byla v roce 1648 podepsána mírová "
    "smlouva?",
    "Arabic": "ما هو النهر الذي يجري في المدينة القديمة التي وقعت فيها المعاهدة في سنة ألف؟",
    "Chinese": "哪条河流经签署条约的那座城市的老城区，它的源头又在哪个国家的哪座山上？",
    "Thai": "แม่น้ำสายใดไหลผ่านเมืองเก่าของเมืองที่มีการลงนามในสนธิสัญญาและต้นน้ำอยู่ที่ไหน",
    "Hindi": "उस शहर के पुराने हिस्से से कौन सी नदी बहती है जहाँ संधि पर हस्ताक्षर हुए थे?",
    "code": "def add(first, second):\n    total = first + second\n    return total if total > 0 "
    "else -total  # the sum",
}
FILLER = "A page about something else, which goes on for a while before it comes to the point. "


def search_for(*texts: str, task: str = "quiz") -> Search:
    return Search(QuestionIndex.of([Question(task, (text,)) for text in texts]))


def found(search: Search, text: str) -> list[str]:
    """The tasks whose questions a text holds."""
    (match,) = search.find([text])
    return [search.index.tasks[owner] for owner in match.owners] if match else []


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_question_is_found_in_any_language_however_it_is_set(language: str) -> None:
    question = QUESTIONS[language]
    search = search_for(*QUESTIONS.values())
    numbers = list(QUESTIONS)
    for text in (
        question,
        f"{FILLER}{question} 👍 {FILLER}",
        question.upper().replace(" ", "\n\n  "),
        question.replace(",", " --").replace("?", "!").replace("，", "。"),
    ):
        (match,) = search.find([text])
        assert match is not None
        assert [numbers[owner] for owner in match.owners] == [language]
        assert passage(text, match) in text
    half = question[: len(question) // 2]
    assert search.find([FILLER + half, FILLER * 3]) == [None, None]


def test_the_passage_that_is_shown_is_the_question() -> None:
    question = QUESTIONS["English"]
    text = f"Ünder: {FILLER}{question} {FILLER}"
    search = search_for(question)
    (match,) = search.find([text])
    assert match is not None
    assert (
        passage(text, match)
        == "Which river flows through the old town of the city where the treaty"
    )


def test_a_short_question_is_found_as_a_whole_and_a_shorter_one_is_not_searched_for() -> None:
    short = "At how many degrees does water boil at sea level?"
    search = search_for(short, "Where is Prague?")
    assert found(search, f"{FILLER} At how many degrees does water boil at sea level, do you know?")
    assert not found(search, "At how many degrees does water boil at sea")
    assert not found(search, "Where is Prague?")
    assert search.index.num_searchable == {"quiz": 1}


def test_what_many_questions_have_in_common_is_no_question() -> None:
    template = "You are given a question. Think about it step by step, then answer with one letter:"
    asked = [
        f"{template} what is the colour of item number {n} in this list of items?"
        for n in range(11)
    ]
    search = search_for(*asked)
    assert not found(search, f"{FILLER} {template} {FILLER}")
    (match,) = search.find([f"{FILLER} {asked[3]}"])
    assert match is not None
    assert match.owners == (3,)
    few = search_for(*asked[:3])  # three questions of a task may have a passage in common
    assert found(few, template) == ["quiz"] * 3
    half = search_for(*asked[:4], *(f"{QUESTIONS['English']} {n}" for n in range(4)))
    assert len(found(half, template)) == 4
    assert not found(search_for(*asked[:8], *asked[:8], QUESTIONS["English"]), template)


def test_a_question_of_two_tasks_is_found_for_both() -> None:
    questions = [Question(task, (QUESTIONS["English"],)) for task in ("first", "second", "first")]
    search = Search(QuestionIndex.of(questions))
    assert found(search, QUESTIONS["English"]) == ["first", "second"]


ODD = st.sampled_from(["ab", "de", "我", "ั", "!", "é", "\ud800"])
ANY_TEXT = st.text(max_size=200) | st.lists(ODD).map(" ".join)


@given(texts=st.lists(ANY_TEXT, max_size=6), planted=st.integers(0, 6), size=st.integers(20, 60))
def test_the_batch_and_the_parts_of_a_text_do_not_matter(
    texts: list[str], planted: int, size: int
) -> None:
    search = search_for(*QUESTIONS.values(), *texts)
    texts = [*texts[:planted], " ".join([*texts, QUESTIONS["Chinese"]]), *texts[planted:]]
    whole = search.find(texts)
    assert whole == [match for text in texts for match in search.find([text])]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(searching, "_WORDS_AT_A_TIME", size)
        assert search.find(texts) == whole
    assert whole[min(planted, len(texts) - 1)] is not None


def test_an_index_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    index = search_for(*QUESTIONS.values()).index
    index.write(tmp_path)
    text = FILLER + QUESTIONS["Arabic"]
    assert Search(QuestionIndex.read(tmp_path)).find([text]) == Search(index).find([text])
    nothing = Search(QuestionIndex.of([]))
    assert nothing.find([text]) == [None]
    assert isinstance(Search(index).find([text])[0], Match)
