"""The report counts how English documents speak of people, and drops none for it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.prose import CODE, EMOJI, PROSE
from support.stage_context import documents_of, stage_context

from llmtrain_api.data_report import DataReport, IdentityReport
from llmtrain_trainer.data.documents import document_key
from llmtrain_trainer.data.identity.counting import IdentityCounter, IdentityCounts, identity_report
from llmtrain_trainer.data.identity.terms import IDENTITY_TERMS, NEGATIVE_WORDS, PRONOUNS
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE

ENGLISH = (
    "The women in the village said that she was right. He is a criminal, and the men of the town "
    "hate him. It was the end of the day for Muslims and Christians in the city."
)


def counted(*texts: str, of: int = 0) -> IdentityCounts:
    counter = IdentityCounter(of or len(texts))
    for text in texts:
        counter.count(text, document_key(text))
    return counter.counts()


def test_sentences_are_counted_by_group_and_with_a_negative_word() -> None:
    report = identity_report([counted(ENGLISH), counted(ENGLISH.upper())])
    assert report is not None
    assert (report.documents, report.sentences, report.negative_sentences) == (2, 6, 2)
    found = {
        (each.kind, each.group): (each.sentences, each.negative_sentences) for each in report.terms
    }
    assert found == {
        ("gender", "women"): (2, 0),
        ("gender", "men"): (2, 2),
        ("religion", "Christian"): (2, 0),
        ("religion", "Muslim"): (2, 0),
    }
    assert report.pronouns == {"he": 4, "she": 2, "they": 0}


OTHERS = {name: " ".join(lines) for name, lines in PROSE.items()} | {"emoji": EMOJI, "code": CODE}
OTHERS["Dutch"] = "De man is in de stad en was daar voor het werk of her en der. The is geen woord."
OTHERS["German"] += " Sie kam her, und der Mann war in der Stadt, is was? The End."


@pytest.mark.parametrize("language", OTHERS)
def test_words_of_other_languages_do_not_count(language: str) -> None:
    assert counted(OTHERS[language]).documents == (language == "English")


def test_each_word_stands_for_one_group() -> None:
    words = [
        word for groups in IDENTITY_TERMS.values() for each in groups.values() for word in each
    ]
    words += [word for each in PRONOUNS.values() for word in each]
    assert len(words) == len({*words})
    assert NEGATIVE_WORDS.isdisjoint(words)
    assert all(
        word.isascii() and word.islower() and word.isalpha() for word in [*words, *NEGATIVE_WORDS]
    )


def test_of_many_documents_a_sample_is_counted() -> None:
    texts = [f"{ENGLISH} {number}" for number in range(2000)]
    assert counted(*texts).documents == 2000
    assert 300 < counted(*texts, of=100_000).documents < 500


@given(st.lists(st.text(max_size=80) | st.text("the of\n. women lie", max_size=60), max_size=6))
def test_counts_of_parts_add_up(texts: list[str]) -> None:
    texts = [*texts, ENGLISH]
    parts = [counted(text) for text in texts]
    assert identity_report(parts) == identity_report([counted(*texts)])


def test_the_report_has_them_and_all_documents_stay(tmp_path: Path) -> None:
    context = stage_context(
        "data",
        tmp_path,
        data={
            "sources": [{"files": {"paths": ["a.jsonl"], "format": "jsonl"}}],
            "steps": [{"unicode": {}}],
        },
    )
    texts = [ENGLISH, OTHERS["German"]]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (tmp_path / "inputs" / "a.jsonl").write_text(lines)
    DATA_STAGE.work(context)
    sides = [documents_of(context.workspace, side) for side in ("train", "validation")]
    assert sorted(text for side in sides for text in side) == sorted(texts)
    report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    assert isinstance(report.identity, IdentityReport)
    assert (report.identity.documents, report.identity.sentences) == (1, 3)
