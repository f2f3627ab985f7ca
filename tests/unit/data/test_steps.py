"""Steps are found by their kind, made once in a process, and do not depend on the batches."""

from collections.abc import Callable, Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.text_shard import TextShard

from llmtrain_api.spec.data import Data
from llmtrain_api.spec.step_sections.quality import Gopher
from llmtrain_api.spec.steps import Step
from llmtrain_trainer.data.pipeline import CorpusSteps, DocumentBatch, Drop, work_on_shard
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.data.steps.base import Dropped, TextFunction
from llmtrain_trainer.data.steps.gopher import GopherStep, broken_gopher_rule
from llmtrain_trainer.data.steps.registry import comparing_steps, document_steps, reasons

REQUIRED: dict[str | None, dict[str, object]] = {
    "language": {"keep": ["en"]},
    "classifier": {"model": "model"},
    "perplexity": {"model": "model"},
}
EVERY_KIND = [
    Step.model_validate({field.alias: REQUIRED.get(field.alias, {})})
    for field in Step.model_fields.values()
]
DOCUMENT_STEPS = document_steps(EVERY_KIND)
ODD = "a.\n #{}[1]\u2026\u3002\u0e4f\u0e31\u200b\U0001f44d"
"""Letters that steps look for: of scripts without spaces, marks that are no word, emoji."""
GOOD = "The quick brown fox has to jump over the lazy dog and run"


@cache
def prepared(name: str) -> TextFunction:
    """A step's function; a model is loaded once."""
    return DOCUMENT_STEPS[name].prepare()


def data_of(*steps: dict[str, object]) -> Data:
    """A section with these steps."""
    return Data.model_validate({"sources": [{"pythonDocs": {}}], "steps": steps})


def batches_of(data: Data, *texts: str) -> list[DocumentBatch]:
    """What a worker makes of a unit with these texts."""
    return list(work_on_shard(SourceShard(TextShard(texts), 0), data))


def test_every_kind_is_a_step_named_as_in_the_manifest() -> None:
    names = [*DOCUMENT_STEPS, *comparing_steps(EVERY_KIND)]
    assert sorted(names) == sorted(str(field.alias) for field in Step.model_fields.values())


@pytest.mark.parametrize("name", DOCUMENT_STEPS)
@given(texts=st.lists(st.text(max_size=200) | st.text(ODD, max_size=60), max_size=6))
def test_any_text_gives_the_same_in_any_batch(name: str, texts: list[str]) -> None:
    apply = prepared(name)
    outcomes = apply(texts)
    assert outcomes == [outcome for text in texts for outcome in apply([text])]
    dropped = {outcome.rule for outcome in outcomes if isinstance(outcome, Dropped)}
    assert {f"{name} {rule}" for rule in dropped} <= set(reasons(EVERY_KIND))


def test_a_step_is_prepared_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[Gopher] = []
    prepare = GopherStep.prepare

    def counted(step: GopherStep) -> Callable[[Sequence[str]], list[str | Dropped]]:
        prepared.append(step.section)
        return prepare(step)

    monkeypatch.setattr(GopherStep, "prepare", counted)
    steps: tuple[dict[str, object], ...] = ({"gopher": {"minWords": 7}}, {"gopher": {}})
    for _ in range(3):
        batches_of(data_of(*steps), GOOD)
    assert prepared == [Gopher(min_words=7), Gopher()]
    batches_of(data_of({"gopher": {"minWords": 8}}), GOOD)
    assert prepared == [Gopher(min_words=7), Gopher(), Gopher(min_words=8)]


def test_steps_run_in_the_order_of_the_list_and_equal_kinds_are_numbered() -> None:
    data = data_of({"length": {"minWords": 2}}, {"emojiToText": {}}, {"length": {"minWords": 3}})
    (batch,) = batches_of(data, "👍", "👍 👍", "one 👍 two")
    assert [document.text for document in batch.documents] == ["one :thumbs_up: two"]
    assert [(step.name, step.dropped_by_rule) for step in batch.tally.steps] == [
        ("length", {"minWords": 1}),
        ("emojiToText", {}),
        ("length-2", {"minWords": 1}),
    ]
    assert reasons(data.steps)["length-2 minWords"] == "fewer than 3 words"


def test_no_step_lets_a_document_without_text_through() -> None:
    (batch,) = batches_of(data_of({"unicode": {}}), " ", "text", "")
    assert [document.text for document in batch.documents] == ["text"]
    (report,) = batch.tally.steps
    assert (report.received.documents, report.kept.documents) == (3, 1)
    assert report.dropped_by_rule == {"empty": 2}
    data = data_of({"exactDedup": {}})
    (batch,) = batches_of(data, " ", "text", "")
    keys = [document.key for document in batch.documents]
    blank = Drop("exactDedup", Dropped("empty"))
    assert CorpusSteps(comparing_steps(data.steps)).apply(keys) == [blank, None, blank]


@pytest.mark.parametrize("character", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\u2028", "\u2029"])
def test_repair_makes_a_line_end_of_what_separates_lines(character: str) -> None:
    assert prepared("unicode")([f"one{character}two three"]) == ["one\ntwo three"]


def test_repair_joins_no_words() -> None:
    assert prepared("unicode")(["one\x1ftwo", "one\x85two"]) == ["one two", "one\u2026two"]


INVISIBLE = ["\u200b", "\ufeff", "\u2060", "\u00ad", "\x07", "\u3164", "\ufe0f", " \u200d\n"]


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_text_of_invisible_characters_is_none(text: str) -> None:
    (batch,) = batches_of(data_of({"length": {"minWords": 0}}), text, f"{text}a", "\u0600")
    assert [document.text for document in batch.documents] == [f"{text}a", "\u0600"]
    assert batch.tally.steps[0].dropped_by_rule == {"empty": 1}
    data = data_of({"exactDedup": {}})
    keys = [document.key for document in batches_of(data, text)[0].documents]
    blank = Drop("exactDedup", Dropped("empty"))
    assert CorpusSteps(comparing_steps(data.steps)).apply(keys) == [blank]


def test_repetitions_are_found_across_batches() -> None:
    data = data_of({"unicode": {}}, {"exactDedup": {}})
    corpus = CorpusSteps(comparing_steps(data.steps))
    outcomes = [
        drop
        for texts in (("One two", "three"), ("one  TWO", "four"))
        for batch in batches_of(data, *texts)
        for drop in corpus.apply([document.key for document in batch.documents])
    ]
    assert outcomes == [None, None, Drop("exactDedup", Dropped("repeated")), None]


@pytest.mark.parametrize(
    ("field", "bound", "text", "rule"),
    [
        ("minWords", 14, GOOD, "minWords"),
        ("maxWords", 12, GOOD, "maxWords"),
        ("minMeanWordLength", 4.5, GOOD, "meanWordLength"),
        ("maxMeanWordLength", 3.2, GOOD, "meanWordLength"),
        ("maxHashesPerWord", 0.05, GOOD + " #", "hashSymbols"),
        ("maxEllipsesPerWord", 0.05, GOOD + " so... far", "ellipses"),
        ("maxBulletLines", 0.4, f"- {GOOD}\n{GOOD}", "bulletLines"),
        ("maxEllipsisLines", 0.1, "\n".join([f"{GOOD}...", *[GOOD] * 7]), "ellipsisLines"),
        ("minAlphabeticWords", 0.95, f"{GOOD} 100", "alphabeticWords"),
        ("minStopWords", 4, GOOD, "stopWords"),
    ],
)
def test_each_threshold_is_a_field(field: str, bound: float, text: str, rule: str) -> None:
    loose = {"minWords": 1}
    assert broken_gopher_rule(text, Gopher.model_validate(loose)) is None
    assert broken_gopher_rule(text, Gopher.model_validate(loose | {field: bound})) == rule
