"""Documents are kept by their language; an unknown language is reported."""

# ruff: noqa: RUF001 - letters that look alike in other scripts are what is tested

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from pydantic import ValidationError
from support.text_shard import TextShard

from llmtrain_api.data_report import GroupReport
from llmtrain_api.faults import describe_faults
from llmtrain_api.spec.data import Data
from llmtrain_api.spec.step_sections.language import LANGUAGES, Language
from llmtrain_trainer.data.pipeline import work_on_shard
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.data.steps.base import Dropped, Judged
from llmtrain_trainer.data.steps.language import LanguageStep
from llmtrain_trainer.data.steps.registry import reasons

SENTENCES = {
    "en": "The weather is fine today, and we are going to walk in the park with our friends.",
    "de": "Das Wetter ist heute schön, und wir gehen mit unseren Freunden im Park spazieren.",
    "cs": "Dnes je krásné počasí a půjdeme se s přáteli projít do parku za městem.",
    "fr": "Il fait beau aujourd'hui et nous allons marcher dans le parc avec nos amis.",
    "ru": "Сегодня хорошая погода, и мы идём гулять в парк вместе с друзьями.",
    "ar": "الطقس جميل اليوم وسوف نذهب إلى الحديقة مع أصدقائنا في المساء.",
    "zh": "今天天气很好，我们一起去公园散步。他们在学校里学习语言和数学。",
    "ja": "今日は天気がいいので、公園を散歩しました。カメラも持って行きます。",
    "hi": "आज मौसम बहुत अच्छा है और हम सब पार्क में घूमने जा रहे हैं।",
}
NO_LANGUAGE = ("👍 🎉 😀", "12 34 56 78", "def f(x):\n    return x + 1\n", "a | b\n1 | 2\n" * 9)
ENGLISH = LanguageStep(Language(keep=("en",)))
APPLY = ENGLISH.prepare()


def outcomes(settings: dict[str, object], *texts: str) -> list[str | Dropped]:
    """What the step makes of texts."""
    step = LanguageStep(Language.model_validate(settings))
    return [each.outcome for each in judged(step, *texts)]


def judged(step: LanguageStep, *texts: str) -> list[Judged]:
    """The texts with their languages."""
    found = step.prepare()(texts)
    return [each for each in found if isinstance(each, Judged)]


def test_without_a_language_to_keep_all_documents_stay_and_are_counted() -> None:
    found = judged(LanguageStep(Language()), *SENTENCES.values(), *NO_LANGUAGE)
    assert [each.outcome for each in found] == [*SENTENCES.values(), *NO_LANGUAGE]
    assert [each.label for each in found] == [*SENTENCES, *["unknown"] * len(NO_LANGUAGE)]
    assert all(0 <= each.score <= 1 for each in found)


@pytest.mark.parametrize("language", SENTENCES)
def test_one_language_is_kept_and_the_others_are_dropped_by_name(language: str) -> None:
    expected = [text if code == language else Dropped(code) for code, text in SENTENCES.items()]
    assert outcomes({"keep": [language]}, *SENTENCES.values()) == expected


def test_languages_that_are_much_alike_count_together() -> None:
    text = "Været er fint i dag, og vi skal gå en tur i parken med vennene våre."
    assert outcomes({"keep": ["no"]}, text) == [Dropped("unknown")]
    assert outcomes({"keep": ["no", "nn", "da"]}, text) == [text]
    assert outcomes({"keep": ["no", "no", "no"]}, text) == [Dropped("unknown")]


def test_a_text_without_a_recognizable_language_follows_the_manifest() -> None:
    assert outcomes({"keep": ["en"]}, *NO_LANGUAGE) == [Dropped("unknown")] * len(NO_LANGUAGE)
    settings = {"keep": ["en"], "keepUnknown": True}
    assert outcomes(settings, *NO_LANGUAGE, SENTENCES["de"]) == [*NO_LANGUAGE, Dropped("de")]


def test_code_with_comments_counts_as_their_language_and_mixed_text_as_most_of_it() -> None:
    code = inspect.getsource(json.encoder)
    mixed = SENTENCES["en"] * 3 + SENTENCES["zh"]
    assert outcomes({"keep": ["en"]}, code, mixed) == [code, mixed]
    assert outcomes({"keep": ["en"]}, SENTENCES["zh"] * 3 + SENTENCES["en"]) == [Dropped("zh")]


def test_the_bound_is_a_field() -> None:
    text = "Danas je lijepo vrijeme i idemo u šetnju parkom s prijateljima."
    assert outcomes({"keep": ["hr"]}, text) == [text]
    assert outcomes({"keep": ["hr"], "min": 0.9}, text) == [Dropped("unknown")]


def test_the_report_counts_documents_by_language() -> None:
    step = {"language": {"keep": ["en", "de"]}}
    data = Data.model_validate({"sources": [{"pythonDocs": {}}], "steps": [step]})
    texts = (*SENTENCES.values(), SENTENCES["fr"], *NO_LANGUAGE)
    (batch,) = work_on_shard(SourceShard(TextShard(texts), 0), data)
    (report,) = batch.tally.steps
    assert [document.text for document in batch.documents] == [SENTENCES["en"], SENTENCES["de"]]
    others = dict.fromkeys(SENTENCES.keys() - {"en", "de"}, 1)
    assert report.dropped_by_rule == others | {"fr": 2, "unknown": len(NO_LANGUAGE)}
    labels = batch.tally.groups["language"]
    assert labels["en"] == GroupReport(received=1, passed=1)
    assert labels["fr"] == GroupReport(received=2)
    assert labels["unknown"] == GroupReport(received=len(NO_LANGUAGE))
    assert report.scores.count == len(texts)
    why = reasons(data.steps)
    assert why["language fr"] == "most likely in the language fr"
    assert why["language unknown"] == "in no language with a probability of 0.65"


@given(st.text(max_size=300))
def test_any_text_has_an_outcome_with_a_reason(text: str) -> None:
    (found,) = APPLY([text])
    assert isinstance(found, Judged)
    outcome = found.outcome
    assert outcome == text or (isinstance(outcome, Dropped) and outcome.rule in ENGLISH.reasons)


def test_the_codes_of_the_manifest_are_those_of_the_model() -> None:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    assert {*LANGUAGES, "zxx"} == set(identifier.labels)  # zxx: no linguistic content
    assert list(LANGUAGES) == sorted(LANGUAGES)


@pytest.mark.parametrize("code", ["eng", "EN", "en-US", "zxx", ""])
def test_a_code_that_is_not_known_is_refused_with_those_that_are(code: str) -> None:
    with pytest.raises(ValidationError) as error:
        Language.model_validate({"keep": ["en", code]})
    (fault,) = describe_faults(error.value)
    assert fault.startswith(f"keep[1]: {code!r} is none of the languages")
    assert "de, dz, el, en, eo" in fault
