"""Each rule drops what it is for, at its bound."""

# ruff: noqa: RUF001 - letters that look alike in other scripts are what is tested

import pytest

from llmtrain_api.spec.step_sections.quality import Gopher, Length
from llmtrain_trainer.data.scripts import main_script, split_words
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.data.steps.gopher import GopherStep, broken_gopher_rule
from llmtrain_trainer.data.steps.length import LengthStep, broken_length_rule

GOOD = "The quick brown fox has to jump over the lazy dog and run"


GOPHER_CASES = [
    (GOOD, None),
    ("the of a b c d e f", "meanWordLength"),
    ("the of internationalization internationalization", "meanWordLength"),
    (GOOD + " #" * 1, None),
    (GOOD + " #tag" * 2, "hashSymbols"),
    (GOOD + " well... so…", "ellipses"),
    ("\n".join(["- the words of that list"] * 10), "bulletLines"),
    ("\n".join(["- the words of that list"] * 9 + ["the last line of all"]), None),
    (
        "\n".join(["the words of that very long line go on and on..."] * 4 + [GOOD] * 6),
        "ellipsisLines",
    ),
    ("\n".join(["the words of that very long line go on and on..."] * 3 + [GOOD] * 7), None),
    ("the value of 1000 2000", "alphabeticWords"),
    ("the value of these 1000", None),
    ("Colorless green ideas sleep furiously", "stopWords"),
    ("The the THE the ideas sleep", "stopWords"),
    ('"The" ideas (of) sleep', None),
]


@pytest.mark.parametrize(("text", "rule"), GOPHER_CASES)
def test_gopher_rules(text: str, rule: str | None) -> None:
    assert broken_gopher_rule(text, Gopher(min_words=0)) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (" \n\t", "empty"),
        ("one two", "minWords"),
        ("one two three", None),
        ("one two three four", None),
        ("one two three four five", "maxWords"),
    ],
)
def test_bounds_on_the_number_of_words(text: str, rule: str | None) -> None:
    assert broken_length_rule(split_words(text), Length(min_words=3, max_words=4)) == rule


SENTENCES = {
    "Chinese": "今天天气很好，我们一起去公园散步。他们在学校里学习语言和数学。",
    "Japanese": "今日は天気がいいので、公園を散歩しました。カメラも持って行きます。",
    "Thai": "วันนี้อากาศดีมากเราไปเดินเล่นในสวนสาธารณะด้วยกัน",
    "Lao": "ມື້ນີ້ອາກາດດີຫຼາຍພວກເຮົາໄປຍ່າງຫຼິ້ນນຳກັນ",
    "Khmer": "ថ្ងៃនេះអាកាសធាតុល្អណាស់យើងទៅដើរលេងជាមួយគ្នា",
    "Burmese": "ဒီနေ့ရာသီဥတုကောင်းတယ်ကျွန်တော်တို့ပန်းခြံသွားကြတယ်",
    "Korean": "오늘은 날씨가 좋아서 우리는 공원에 가서 산책을 했다. 내일은 비가 온다고 한다.",
    "Russian": "Сегодня хорошая погода, и мы идём гулять в парк вместе с друзьями.",
    "Arabic": "الطقس جميل اليوم وسوف نذهب إلى الحديقة مع أصدقائنا في المساء.",
    "Hindi": "आज मौसम बहुत अच्छा है और हम सब पार्क में घूमने जा रहे हैं।",
    "Greek": "Σήμερα ο καιρός είναι καλός και πηγαίνουμε στο πάρκο με φίλους.",
    "German": "Das Wetter ist heute schön, und wir gehen nicht allein in den Park.",
    "French": "Il fait beau et nous marchons dans le parc avec les amis pour une heure.",
    "Vietnamese": "Hôm nay trời đẹp và chúng tôi đi dạo trong công viên của thành phố.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_no_language_is_dropped_for_its_script(language: str) -> None:
    text = SENTENCES[language] * 5
    assert GopherStep(Gopher()).prepare()([text]) == [text]


def test_words_are_counted_in_scripts_without_spaces() -> None:
    assert split_words("我们用 Python 3，很好。") == [*"我们用", "Python", "3，", *"很好"]
    assert len(split_words(SENTENCES["Thai"])) == 40  # marks above and below belong to a letter
    assert split_words("naïve «word», 3 – x") == ["naïve", "«word»,", "3", "–", "x"]
    words = split_words("我们用很好")
    assert broken_length_rule(words, Length(min_words=6, max_words=9)) == "minWords"


def test_gibberish_in_latin_letters_is_still_dropped() -> None:
    text = "Größe Überfluß naïveté façade smørrebrød " * 20
    assert broken_gopher_rule(text, Gopher()) == "stopWords"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("one and 二", "Latin"),
        (SENTENCES["Chinese"], "Cjk"),
        (SENTENCES["Thai"], "Thai"),
        (SENTENCES["Arabic"], "Arabic"),
        ("12 + 3", "None"),
    ],
)
def test_the_script_of_most_letters_is_named(text: str, script: str) -> None:
    assert main_script(text) == script


def test_every_rule_has_a_reason_for_people() -> None:
    assert {rule for _, rule in GOPHER_CASES if rule} <= set(GopherStep(Gopher()).reasons)


def test_a_text_of_white_space_is_dropped_even_without_bounds() -> None:
    length = LengthStep(Length(min_words=0)).prepare()
    assert length([" ", "x"]) == [Dropped("empty"), "x"]


def test_gopher_is_applied_when_it_is_chosen() -> None:
    quality = GopherStep(Gopher(min_words=0)).prepare()
    assert quality(["Colorless green ideas sleep", GOOD]) == [Dropped("stopWords"), GOOD]
