"""Packed documents: none sees another, and each is read as if it were alone."""

import pytest
import torch
from support.architectures import PACKING, tiny_shape
from support.published_models import PUBLISHED, published_config
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    MistralConfig,
    PretrainedConfig,
    PreTrainedModel,
)

from llmtrain_api.families import Family
from llmtrain_trainer.models.config import attention_implementation, model_config
from llmtrain_trainer.training.attention import use_own_attention
from llmtrain_trainer.training.documents import Documents
from llmtrain_trainer.training.forward import loss_sum, model_inputs
from llmtrain_trainer.training.samples import IGNORED

_SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 32,
    "sliding_window": 4,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_LAYERS = ["sliding_attention", "full_attention", "sliding_attention"]


def _own(family: Family) -> PretrainedConfig:
    return model_config(tiny_shape(family, vocabulary_size=50), dropout=0.0)


CONFIGS: dict[str, PretrainedConfig] = {
    **{family.value: _own(family) for family in PACKING},
    **{
        name: AutoConfig.for_model(**published_config(name, vocabulary_size=50))
        for name in PUBLISHED
        if name != "Falcon RW 1B"  # its positions are a bias of the scores
    },
    "a window in each layer": MistralConfig(**_SIZES),
    "a window in some layers": Gemma3TextConfig(**_SIZES, layer_types=_LAYERS),
    "a window, without fused attention": Gemma2Config(**_SIZES, layer_types=_LAYERS),
}


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    config = CONFIGS[request.param]
    torch.manual_seed(0)
    built: PreTrainedModel = AutoModelForCausalLM.from_config(
        config, dtype=torch.float32, attn_implementation=attention_implementation(config)
    ).eval()
    use_own_attention(built)
    for parameter in built.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return built


def _logits(
    model: PreTrainedModel, ids: torch.Tensor, segments: torch.Tensor | None
) -> torch.Tensor:
    documents = None if segments is None else Documents.of(segments.numpy())
    with torch.no_grad():
        logits: torch.Tensor = model(**model_inputs(model, ids, documents)).logits
    return logits


def test_a_packed_document_reads_as_if_it_were_alone(model: PreTrainedModel) -> None:
    first, second = torch.randint(3, 50, (1, 5)), torch.randint(3, 50, (1, 7))
    padding = torch.zeros(1, 4, dtype=torch.long)
    packed = torch.cat([first, second, padding], dim=1)
    segments = torch.tensor([[0] * 5 + [1] * 7 + [-1] * 4])
    logits = _logits(model, packed, segments)
    with torch.no_grad():
        torch.testing.assert_close(logits[:, :5], model(input_ids=first).logits)
        torch.testing.assert_close(logits[:, 5:12], model(input_ids=second).logits)
    assert logits.isfinite().all()


def test_one_segment_is_the_plain_sequence(model: PreTrainedModel) -> None:
    ids = torch.randint(3, 50, (2, 16))
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
