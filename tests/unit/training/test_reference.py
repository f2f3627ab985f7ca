"""Loss and gradients of each family are those of transformers' own implementation."""

import pytest
import torch
from support.architectures import WITH_EXPERTS, build_model, tiny_shape
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from llmtrain_api.families import Family
from llmtrain_trainer.models.config import model_config
from llmtrain_trainer.training.compiling import compile_blocks
from llmtrain_trainer.training.experts import watch_experts
from llmtrain_trainer.training.forward import BatchTensors, batch_loss
from llmtrain_trainer.training.output_loss import with_output_loss
from llmtrain_trainer.training.samples import IGNORED

WEIGHT = 0.5
"""Weight of the balance of experts: so large that its gradient is seen."""
SPREAD = 0.2


def _models(family: Family) -> tuple[PreTrainedModel, PreTrainedModel]:
    """The reference in evaluation mode, and the model as the trainer has it."""
    shape = tiny_shape(family)
    torch.manual_seed(0)
    weight = WEIGHT if family in WITH_EXPERTS else None
    config = model_config(shape, dropout=0.0, balance_weight=weight)
    plain = AutoModelForCausalLM.from_config(
        config, attn_implementation="eager", experts_implementation="eager"
    ).eval()
    for parameter in plain.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=SPREAD)
    ours = build_model(shape, device="cpu")
    ours.load_state_dict(plain.state_dict())
    if weight is not None:
        setattr(ours.config, family.definition.keys.balance_weight or "", weight)
    with_output_loss(ours)
    return plain, ours


def _batch() -> BatchTensors:
    ids = torch.randint(301, (3, 16), generator=torch.Generator().manual_seed(1))
    return BatchTensors(ids, ids.roll(-1, dims=1), None)


def _our_loss(model: PreTrainedModel, batch: BatchTensors) -> Tensor:
    """The mean loss that the training loop optimizes."""
    balance = getattr(model, "balance_of_the_test", None)
    if balance is not None:
        balance.start()
    loss = batch_loss(model, model, batch)
    if balance is not None:
        loss = loss + balance.term(batch.labels)
    return loss / (batch.labels != IGNORED).sum()


def _watched(model: PreTrainedModel) -> PreTrainedModel:
    model.balance_of_the_test = watch_experts(model)
    return model


@pytest.mark.parametrize("family", Family)
def test_loss_and_gradients_are_those_of_transformers(family: Family) -> None:
    plain, ours = _models(family)
    batch = _batch()
    router = {"output_router_logits": True} if family in WITH_EXPERTS else {}
    wanted = plain(
        input_ids=batch.input_ids, labels=batch.labels, shift_labels=batch.labels, **router
    ).loss
    wanted.backward()
    found = _our_loss(_watched(ours), batch)
    found.backward()
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)
    gradients = dict(plain.named_parameters())
    for name, parameter in ours.named_parameters():
        expected = gradients[name].grad
        assert parameter.grad is not None
        assert expected is not None
        difference = (parameter.grad - expected).norm()
        assert difference <= 1e-5 * expected.norm() + 1e-7, name


@pytest.mark.parametrize("family", WITH_EXPERTS)
def test_the_balance_of_experts_counts_no_padding(family: Family) -> None:
    plain, ours = _models(family)
    batch = _batch()
    mask = torch.ones_like(batch.input_ids)
    mask[0, 9:], mask[1, 12:] = 0, 0
    labels = batch.labels.masked_fill(mask == 0, IGNORED)
    with torch.no_grad():
        wanted = plain(
            input_ids=batch.input_ids, attention_mask=mask, output_router_logits=True
        ).aux_loss
    balance = watch_experts(ours)
    assert balance is not None
    balance.start()
    batch_loss(ours, ours, BatchTensors(batch.input_ids, labels, None))
    found = balance.term(labels) / WEIGHT / mask.sum()
    torch.testing.assert_close(found.detach(), wanted)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize(
    ("compiled", "recomputed"),
    [(False, True), pytest.param(True, False, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("family", WITH_EXPERTS)
def test_the_balance_is_the_same_where_blocks_are_compiled_or_recomputed(
    family: Family, *, recomputed: bool, compiled: bool
) -> None:
    torch._dynamo.reset()
    batch = _batch()
    plain, model = (_watched(_models(family)[1]) for _ in range(2))
    if recomputed:
        model.activation_checkpointing_enable({"use_reentrant": False})
    if compiled:
        compile_blocks(model, whole=True, backend="aot_eager")
    for _ in range(2):  # the second pass knows nothing of the first
        for each in (plain, model):
            each.zero_grad()
        wanted, found = (_our_loss(each, batch) for each in (plain, model))
        wanted.backward()
        found.backward()
        torch.testing.assert_close(found, wanted)
        for a, b in zip(model.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("family", WITH_EXPERTS)
def test_without_a_weight_nothing_is_watched(family: Family) -> None:
    config = model_config(tiny_shape(family), dropout=0.0, balance_weight=0.0)
    assert watch_experts(AutoModelForCausalLM.from_config(config)) is None
