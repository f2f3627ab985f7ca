"""The loss by chunks, with a padded vocabulary, is the loss of all logits at once."""

from itertools import product

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from support.architectures import build_model, tiny_shape
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, CohereConfig

from llmtrain_api.families import Family
from llmtrain_trainer.training.forward import BatchTensors, batch_loss
from llmtrain_trainer.training.output_loss import (
    OutputLoss,
    linear_cross_entropy,
    with_output_loss,
)
from llmtrain_trainer.training.samples import IGNORED

TOLERANCES = {torch.float32: 2e-6, torch.bfloat16: 2e-2}
"""Relative, by norm; bf16 has 8 bits."""
SCALE = 0.37


def plain_loss(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, *, label_smoothing: float
) -> Tensor:
    return functional.cross_entropy(
        functional.linear(hidden, weight, bias).float(),
        labels,
        ignore_index=IGNORED,
        reduction="sum",
        label_smoothing=label_smoothing,
    )


@example(sizes=(1, 15, 2), chunk=None, label_smoothing=0.0, bias=False, ignored=0.0, seed=5995)
@given(
    sizes=st.tuples(st.integers(1, 70), st.integers(1, 24), st.integers(2, 300)),
    chunk=st.none() | st.integers(1, 80),
    label_smoothing=st.sampled_from([0.0, 0.1]),
    bias=st.booleans(),
    ignored=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 2**31),
)
def test_loss_and_gradients_are_those_of_all_logits_at_once(
    *,
    sizes: tuple[int, int, int],
    chunk: int | None,
    label_smoothing: float,
    bias: bool,
    ignored: float,
    seed: int,
) -> None:
    tokens, width, vocabulary = sizes
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(vocabulary, (tokens,), generator=random)
    labels[torch.rand(tokens, generator=random) < ignored] = IGNORED
    shapes = [(tokens, width), (vocabulary, width), *([(vocabulary,)] if bias else [])]
    for dtype, tolerance in TOLERANCES.items():
        inputs = [torch.randn(shape, generator=random).to(dtype) for shape in shapes]
        inputs = [each.requires_grad_() for each in inputs]
        exact = [each.detach().float().requires_grad_() for each in inputs]
        none = [] if bias else [None]
        expected = plain_loss(*exact, *none, labels, label_smoothing=label_smoothing)
        found = linear_cross_entropy(
            *inputs, *none, labels, label_smoothing=label_smoothing, chunk=chunk
        )
        # A loss is a difference of logits, which are rounded: it may be far smaller than they are.
        logits = functional.linear(*exact[:2], *(exact[2:] or none)).abs().max().item()
        rounding = tolerance / 4 * tokens * logits
        assert found.item() == pytest.approx(expected.item(), rel=tolerance, abs=rounding)
        # Each gradient is a product of the logits' gradient, of norm 1.4 at most for a token, with
        # the other factor of the logits. It may be small by cancellation; its error then is not.
        factors = [inputs[1].float().norm() * tokens, inputs[0].float().norm(), tokens]
        for ours, theirs, factor in zip(
            torch.autograd.grad(found * SCALE, inputs),
            torch.autograd.grad(expected * SCALE, exact),
            factors[: len(inputs)],
            strict=True,
        ):
            assert ours.dtype is dtype
            assert (ours.float() - theirs).norm() <= tolerance * SCALE * factor


@pytest.mark.parametrize(("family", "dtype"), [*product(Family, TOLERANCES)])
def test_a_model_learns_the_same(family: Family, dtype: torch.dtype) -> None:
    ids = torch.randint(301, (2, 16), generator=torch.Generator().manual_seed(0))
    batch = BatchTensors(ids, ids.roll(-1), None)
    losses, gradients = [], []
    for fused in (False, True):
        torch.manual_seed(1)
        model = build_model(tiny_shape(family), device="cpu", dtype=dtype)
        before = set(model.state_dict())
        if fused:
            with_output_loss(model)
            assert isinstance(model.get_output_embeddings(), OutputLoss)
        loss = batch_loss(model, model, batch)
        loss.backward()
        assert set(model.state_dict()) == before
        losses.append(loss.item())
        gradients.append({name: p.grad.float() for name, p in model.named_parameters()})
    assert losses[1] == pytest.approx(losses[0], rel=TOLERANCES[dtype])
    assert gradients[1].keys() == gradients[0].keys()
    for name, expected in gradients[0].items():
        difference = (gradients[1][name] - expected).norm()
        assert difference <= TOLERANCES[dtype] * expected.norm() + 1e-6, name


def test_a_frozen_output_layer_gets_no_gradient() -> None:
    weight, hidden = torch.randn(50, 8), torch.randn(6, 8, requires_grad=True)
    labels = torch.arange(6)
    linear_cross_entropy(hidden, weight, None, labels).backward()
    assert weight.grad is None
    expected = hidden.detach().clone().requires_grad_()
    plain_loss(expected, weight, None, labels, label_smoothing=0.0).backward()
    torch.testing.assert_close(hidden.grad, expected.grad)


def test_under_autocast_the_products_are_in_bf16() -> None:
    weight, hidden = torch.randn(50, 8), torch.randn(6, 8)
    labels = torch.arange(6)
    with torch.autocast("cpu", torch.bfloat16):
        found = linear_cross_entropy(hidden, weight, None, labels)
        expected = plain_loss(hidden, weight, None, labels, label_smoothing=0.0)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_logits_that_are_scaled_afterwards_are_left_alone() -> None:
    config = CohereConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        logit_scale=0.0625,
    )
    model = AutoModelForCausalLM.from_config(config)
    with_output_loss(model)
    ids = torch.randint(50, (1, 8), generator=torch.Generator().manual_seed(0))
    expected = model(input_ids=ids, labels=ids).loss
    labels = functional.pad(ids[:, 1:], (0, 1), value=IGNORED)
    found = batch_loss(model, model, BatchTensors(ids, labels, None)) / 7
    torch.testing.assert_close(found, expected)


class _Operations(TorchDispatchMode):
    """Remembers the largest tensor that an operation has made, and the sizes in products."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0
        self.vocabularies: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204
        result = func(*args, **(kwargs or {}))
        if func in {torch.ops.aten.mm.default, torch.ops.aten.addmm_.default}:
            self.vocabularies |= {size for matrix in args for size in matrix.shape}
        for each in torch.utils._pytree.tree_leaves(result):
            if isinstance(each, Tensor):
                self.largest = max(self.largest, each.numel())
        return result


def test_no_more_logits_than_a_chunk_s_exist_and_every_product_is_aligned() -> None:
    tokens, width, vocabulary, chunk = 512, 16, 1001, 64
    hidden = torch.randn(tokens, width, requires_grad=True)
    weight = torch.randn(vocabulary, width, requires_grad=True)
    labels = torch.randint(vocabulary, (tokens,))
    with _Operations() as seen:
        linear_cross_entropy(hidden, weight, None, labels, chunk=chunk).backward()
    assert seen.largest == chunk * 1024
    assert seen.vocabularies == {chunk, width, 1024}
