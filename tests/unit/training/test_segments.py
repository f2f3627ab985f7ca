"""Packed documents: none sees another."""

import pytest
import torch
from transformers import PreTrainedModel

from llmtrain_api.spec.model import Family, Model
from llmtrain_planner.architecture import resolve_architecture
from llmtrain_trainer.models.build import new_model
from llmtrain_trainer.models.families import model_config
from llmtrain_trainer.training.loss import loss_sum, model_inputs
from llmtrain_trainer.training.samples import IGNORED


@pytest.fixture(params=list(Family))
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    section = Model(family=request.param, layers=2, hidden_size=32, heads=4)
    shape = resolve_architecture(section, vocabulary_size=50, context_length=16)
    torch.manual_seed(0)
    return new_model(model_config(shape, dropout=0.0)).eval()


def _logits(
    model: PreTrainedModel, ids: torch.Tensor, segments: torch.Tensor | None
) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(**model_inputs(ids, segments)).logits
    return logits


def test_a_packed_document_reads_as_if_it_were_alone(model: PreTrainedModel) -> None:
    first, second = torch.randint(50, (1, 5)), torch.randint(50, (1, 7))
    padding = torch.zeros(1, 4, dtype=torch.long)
    packed = torch.cat([first, second, padding], dim=1)
    segments = torch.tensor([[0] * 5 + [1] * 7 + [-1] * 4])
    logits = _logits(model, packed, segments)
    torch.testing.assert_close(logits[:, :5], _logits(model, first, None))
    torch.testing.assert_close(logits[:, 5:12], _logits(model, second, None))
    assert logits.isfinite().all()


def test_one_segment_is_the_plain_sequence(model: PreTrainedModel) -> None:
    ids = torch.randint(50, (2, 16))
    segments = torch.zeros(2, 16, dtype=torch.long)
    torch.testing.assert_close(_logits(model, ids, segments), _logits(model, ids, None))


def test_ignored_labels_cost_nothing() -> None:
    logits = torch.randn(1, 3, 10)
    labels = torch.tensor([[4, IGNORED, 7]])
    expected = -logits.log_softmax(-1)[0, [0, 2], [4, 7]].sum()
    torch.testing.assert_close(loss_sum(logits, labels), expected)


def test_label_smoothing_spreads_its_share_over_all_tokens() -> None:
    logits, labels = torch.randn(1, 1, 10), torch.tensor([[3]])
    logs = logits.log_softmax(-1)[0, 0]
    expected = -(0.9 * logs[3] + 0.1 * logs.mean())
    torch.testing.assert_close(loss_sum(logits, labels, label_smoothing=0.1), expected)
