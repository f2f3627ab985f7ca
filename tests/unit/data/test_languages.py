"""Each step does its work on real text of several languages, on emoji and on code.

A new step needs a row in `CASES` for each language, which the last test asks for.
"""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from support.prose import CODE, EMOJI, PERSONAL, PROSE

from llmtrain_api.spec.step_sections.deduplication import ExactDedup
from llmtrain_api.spec.steps import Step
from llmtrain_trainer.data.documents import document_key
from llmtrain_trainer.data.steps.base import Dropped, Judged
from llmtrain_trainer.data.steps.exact_dedup import ExactDedupStep
from llmtrain_trainer.data.steps.registry import document_steps

Outcome = str | Dropped
Case = tuple[dict[str, Any], str, Outcome]
"""The step as in a manifest, a text, and what the step makes of it."""

IN_ONE = {language: " ".join(sentences) for language, sentences in PROSE.items()}
TEXTS = IN_ONE | {"emoji": EMOJI, "code": CODE}
CODES = {
    "English": "en", "German": "de", "Czech": "cs", "Arabic": "ar", "Chinese": "zh", "Hindi": "hi",
}  # fmt: skip
MENU = "<nav><a href='/'>Home</a> <a href='/all'>All</a></nav>"


def page(text: str) -> str:
    body = "".join(f"<p>{line}</p>" for line in text.split("\n"))
    return f"<!doctype html><html><body>{MENU}<main>{body}</main><script>x()</script></body></html>"


def html(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    if language == "code":
        yield {"html": {}}, text, text
    else:
        yield {"html": {}}, page(text), text.strip()
    yield {"html": {}}, f"<!doctype html><body>{MENU}<main></main></body>", Dropped("noText")


def unicode(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    yield {"unicode": {}}, text, text
    if not text.isascii():
        yield {"unicode": {}}, text.encode().decode("latin-1"), text
    yield {"unicode": {}}, f"{text}\r\n\x07e\u0301", f"{text}\n\u00e9"


def emoji_to_text(language: str) -> Iterator[Case]:
    if language == "emoji":
        yield (
            {"emojiToText": {}},
            "good 👍🏽 🎉",
            "good :thumbs_up_medium_skin_tone: :party_popper:",
        )
    else:
        text = TEXTS[language]
        yield {"emojiToText": {}}, f"{text} 👍", f"{text} :thumbs_up:"


def length(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    yield {"length": {"minWords": 20}}, text, text
    yield {"length": {"minWords": 20_000}}, text, Dropped("minWords")
    yield {"length": {"minWords": 0, "maxWords": 19}}, text, Dropped("maxWords")


def gopher(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    # Six sentences of Czech have one of its stop words.
    step = {"gopher": {"minWords": 20, "minStopWords": 1}}
    yield step, text, Dropped("meanWordLength") if language == "emoji" else text
    yield step, text + " #" * len(text), Dropped("meanWordLength")


def gopher_repetition(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    step: dict[str, Any] = {"gopherRepetition": {}}
    yield step, text, Dropped("top2Gram") if language == "emoji" else text
    rule = "duplicateParagraphs" if language == "code" else "duplicateLines"
    yield step, "\n".join([text] * 5), Dropped(rule)


def c4(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    fault = {"emoji": Dropped("minSentences"), "code": Dropped("curlyBracket")}
    yield {"c4": {}}, text, fault.get(language, text)
    rule = Dropped("curlyBracket" if language == "code" else "loremIpsum")
    yield {"c4": {}}, f"{text}\nLorem ipsum dolor sit amet.", rule


def fine_web(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    is_prose = language in PROSE
    yield {"fineWeb": {}}, text, text if is_prose else Dropped("punctuatedLines")
    rule = "duplicateLineCharacters" if is_prose else "punctuatedLines"
    yield {"fineWeb": {}}, "\n".join([text] * 3), Dropped(rule)


def language(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    code = CODES.get(language)
    if code is None:
        yield {"language": {"keep": ["fr"], "min": 0.9999}}, EMOJI, Dropped("unknown")
    else:
        yield {"language": {"keep": [code]}}, text, text
        yield {"language": {"keep": ["fr"]}}, text, Dropped(code)


def pii(language: str) -> Iterator[Case]:
    yield ({"pii": {}}, *PERSONAL[language])
    yield {"pii": {}}, TEXTS[language], TEXTS[language]


def toxicity(language: str) -> Iterator[Case]:
    text = TEXTS[language]
    vulgar = f"{text} Crap, fuck, crap. Fuck!"
    yield {"toxicity": {}}, text, text
    yield {"toxicity": {}}, vulgar, Dropped("vulgarWords") if language == "English" else vulgar


def whitespace(language: str) -> Iterator[Case]:
    text = TEXTS[language].rstrip()
    step = {"whitespace": {"maxBlankLines": 2, "collapse": language != "code"}}
    yield step, text, text
    yield step, f"\ufeff{text} \t\r\n\n\n\u00a0\n{text}\u00ad\n", f"{text}\n\n\n{text}"
    dense = {"whitespace": {"maxBlankLines": 0}}
    yield dense, f"  {text[:5]}\n\n\tx \t y  z", f"  {text[:5]}\n\tx y z"
    yield step, f"\u3000{text[:5]}x\u3000y", f"\u3000{text[:5]}x y"
    yield step, f"{text[:5]}x\vy\fz", f"{text[:5]}x\ny\nz"


CASES = {
    "whitespace": whitespace,
    "html": html,
    "unicode": unicode,
    "emojiToText": emoji_to_text,
    "length": length,
    "gopher": gopher,
    "gopherRepetition": gopher_repetition,
    "c4": c4,
    "fineWeb": fine_web,
    "language": language,
    "pii": pii,
    "toxicity": toxicity,
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("kind", CASES)
def test_a_step_does_its_work_in_every_language(kind: str, language: str) -> None:
    for listed, before, after in CASES[kind](language):
        (step,) = document_steps([Step.model_validate(listed)]).values()
        (found,) = step.prepare()([before])
        assert (found.outcome if isinstance(found, Judged) else found) == after


def test_every_step_on_documents_has_a_row() -> None:
    sections = {str(f.alias): get_args(f.annotation)[0] for f in Step.model_fields.values()}
    kinds = {kind for kind, section in sections.items() if not section.compares_documents}
    assert kinds == set(CASES)


@pytest.mark.parametrize("language", TEXTS)
def test_equal_documents_are_found_in_every_language(language: str) -> None:
    text = TEXTS[language]
    equal = (text, text.upper(), f"  {text}\n".replace(" ", "\n\t"))
    keys = [document_key(each) for each in (*equal, f"{text} x")]
    repeated = Dropped("repeated")
    assert ExactDedupStep(ExactDedup()).prepare()(keys) == [keys[0], repeated, repeated, keys[3]]
