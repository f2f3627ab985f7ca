"""What a worker reports adds up, whatever the batches."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.text_shard import TextShard

from llmtrain_api.data_report import StepReport
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data import pipeline
from llmtrain_trainer.data.pipeline import work_on_shard
from llmtrain_trainer.data.report import CHANGED, NUM_EXAMPLES, StepCounter, merge
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.data.steps.base import Dropped

DATA = Data.model_validate(
    {
        "sources": [{"pythonDocs": {}}],
        "steps": [
            {"html": {}},
            {"unicode": {}},
            {"gopher": {"minWords": 3, "maxWords": 30}},
            {"exactDedup": {}},
        ],
    }
)
TEXTS = (
    "The end of the line, and that is it",
    "cafÃ© of the town",
    "<p>The page of the town</p>",
    "short",
    "Colorless green ideas sleep",
    "\ud83d of the broken pair",
)


def reports(texts: tuple[str, ...]) -> tuple[list[str], list[StepReport], int]:
    """The documents that stay, the steps over all batches, the number of batches."""
    batches = list(work_on_shard(SourceShard(TextShard(texts), 0), DATA))
    steps = list(batches[0].tally.steps)
    for batch in batches[1:]:
        steps = [merge(one, other) for one, other in zip(steps, batch.tally.steps, strict=True)]
    assert sum(batch.tally.read["made"].documents for batch in batches) == len(texts)
    return [d.text for batch in batches for d in batch.documents], steps, len(batches)


def test_each_document_takes_the_steps_that_it_needs() -> None:
    texts, steps, _ = reports(TEXTS)
    assert texts == [
        "The end of the line, and that is it",
        "café of the town",
        "The page of the town",
        "\ufffd of the broken pair",
    ]
    by_name = {step.name: step for step in steps}
    assert by_name["html"].changed_documents == 1
    assert by_name["unicode"].changed_documents == 1
    assert by_name["gopher"].dropped_by_rule == {"minWords": 1, "stopWords": 1}
    (example,) = by_name["unicode"].examples
    assert (example.excerpt, example.after) == ("cafÃ© of the town", "café of the town")


@given(texts=st.lists(st.sampled_from(TEXTS)).map(tuple), size=st.integers(1, 5))
def test_counts_add_up_and_do_not_depend_on_the_batches(texts: tuple[str, ...], size: int) -> None:
    whole, steps, _ = reports(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_BATCH_DOCUMENTS", size)
        pieces, same_steps, num_batches = reports(texts)
    assert num_batches == len(texts) // size + 1
    assert pieces == whole
    assert same_steps == steps
    for step in steps:
        assert step.received.documents == step.kept.documents + step.dropped.documents
        assert sum(step.dropped_by_rule.values()) == step.dropped.documents
    for before, after in pairwise(steps):
        assert after.received == before.kept


def test_each_rule_has_its_own_examples() -> None:
    texts = [f"{number}" for number in range(9)]
    counters = [StepCounter("gopher") for _ in range(2)]
    for text in texts:
        counters[0].count("made", text, Dropped("minWords"))
        counters[1].count("made", text, Dropped("stopWords"))
        counters[1].count("made", text, f"{text}!")
        counters[1].count("made", text, Dropped("minWords"))
    for first, second in (counters, reversed(counters)):
        examples = merge(first.report(), second.report()).examples
        assert Counter(each.rule for each in examples) == {
            "minWords": NUM_EXAMPLES,
            "stopWords": NUM_EXAMPLES,
            CHANGED: NUM_EXAMPLES,
        }
        assert all(int(each.excerpt) < NUM_EXAMPLES for each in examples)
