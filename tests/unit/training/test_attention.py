"""Own attention equals that of each document alone, and makes no mask of all pairs on a GPU."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from support.architectures import WITH_EXPERTS, WITHOUT_MASKS, build_model, tiny_shape
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, FalconConfig

from llmtrain_api.families import Family
from llmtrain_trainer.training import attention as module
from llmtrain_trainer.training.attention import attention, use_own_attention, uses_own_attention
from llmtrain_trainer.training.documents import Documents
from llmtrain_trainer.training.forward import BatchTensors, batch_loss

LAYER = nn.Module()
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
BF16_TOLERANCE = 2e-2
"""Difference from fp32 of outputs and gradients near 1; bf16 itself is exact to 8e-3."""


def _plain(query: Tensor, key: Tensor, value: Tensor, window: int | None) -> Tensor:
    """Attention by its definition, of one document; (H, T, D) to (T, H, E)."""
    shared = query.shape[0] // key.shape[0]
    key, value = (each.repeat_interleave(shared, dim=0) for each in (key, value))
    steps = torch.arange(query.shape[1], device=query.device)
    distance = steps[:, None] - steps
    hidden = (distance < 0) | (distance >= (window or len(steps)))
    scores = query @ key.transpose(1, 2) / query.shape[2] ** 0.5
    return (scores.masked_fill(hidden, -torch.inf).softmax(-1) @ value).transpose(0, 1)


def _each_alone(
    query: Tensor, key: Tensor, value: Tensor, lengths: list[int], window: int | None
) -> Tensor:
    """The same of documents of these lengths; (B, H, T, D) to (B, T, H, E)."""
    flat = [
        each.transpose(0, 1).flatten(1, 2).split(lengths, dim=1) for each in (query, key, value)
    ]
    parts = [_plain(*here, window) for here in zip(*flat, strict=True)]
    return torch.cat(parts).unflatten(0, (query.shape[0], query.shape[2]))


def _case(seed: int) -> tuple[list[Tensor], Documents | None, list[int], int | None]:
    """Heads, documents and a window, all drawn."""
    draw = np.random.default_rng(seed)
    size, length, groups = draw.integers(1, 4), draw.integers(2, 40), draw.integers(1, 3)
    shape = (size, groups * draw.integers(1, 4), length, 8 * draw.integers(1, 4))
    torch.manual_seed(seed)
    heads = [torch.randn(shape), *(torch.randn(size, groups, *shape[2:]) for _ in range(2))]
    window = int(draw.integers(1, length + 2)) if seed % 2 else None
    if seed % 3 == 0:
        return heads, None, [int(length)] * size, window
    segments = draw.integers(0, 2, (size, length)).cumsum(axis=1)
    documents = Documents.of(segments)
    return heads, documents, documents.borders.diff().tolist(), window


@pytest.fixture
def _new_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("_new_compiler")
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("seed", range(12))
def test_outputs_and_gradients_are_those_of_each_document_alone(
    *, seed: int, dtype: torch.dtype, device: str, compiled: bool
) -> None:
    heads, documents, lengths, window = _case(seed)
    own = [each.to(device, dtype).requires_grad_() for each in heads]
    plain = [each.detach().double().requires_grad_() for each in own]
    call = torch.compile(attention, backend="eager", fullgraph=True) if compiled else attention
    shared = None if documents is None else documents.to(torch.device(device))
    found = call(LAYER, *own, None, sliding_window=window, documents=shared)[0]
    expected = _each_alone(*plain, lengths, window)
    weights = torch.randn_like(expected)
    gradients = torch.autograd.grad(found, own, weights.to(dtype))
    wanted = torch.autograd.grad(expected, plain, weights)
    tolerance = 1e-6 if dtype is torch.float32 else BF16_TOLERANCE
    for a, b in zip([found.detach(), *gradients], [expected.detach(), *wanted], strict=True):
        scale = float(b.abs().max().clamp(min=1))
        torch.testing.assert_close(a.double(), b, rtol=0, atol=tolerance * scale)
    assert found.is_contiguous()


def _documented_kernel(  # noqa: PLR0913 - as torch has it
    query: Tensor,
    key: Tensor,
    value: Tensor,
    borders: Tensor,
    borders_of_keys: Tensor,
    longest: int,
    longest_of_keys: int,
    *,
    scale: float | None,
    window_size: tuple[int, int],
    enable_gqa: bool,
) -> Tensor:
    """What the documentation of `varlen_attn` promises."""
    lengths = borders.diff().tolist()
    assert borders_of_keys is borders
    assert longest_of_keys == longest == max(lengths)
    assert window_size[1] == 0
    assert scale is None
    assert enable_gqa == (query.shape[1] != key.shape[1])
    window = None if window_size[0] < 0 else window_size[0] + 1
    rows = (each.transpose(0, 1)[None] for each in (query, key, value))
    return _each_alone(*rows, lengths, window)[0]


@pytest.mark.parametrize("seed", range(1, 12))
def test_flash_attention_is_asked_for_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    heads, documents, lengths, window = _case(seed)
    monkeypatch.setattr(module, "varlen_attn", _documented_kernel)
    monkeypatch.setattr(module, "_has_kernel", lambda *_: True)
    monkeypatch.setattr(module, "_takes_flash", lambda *_: True)
    found, _ = attention(LAYER, *heads, None, sliding_window=window, documents=documents)
    torch.testing.assert_close(found, _each_alone(*heads, lengths, window))


LENGTH = 48


def _fused_kernel(
    query: Tensor, *_: Tensor, attn_mask: None, is_causal: bool, **_others: object
) -> Tensor:
    """A stand-in, since without a GPU torch would choose a slow one."""
    assert is_causal
    assert attn_mask is None
    return torch.empty_like(query)


class _Largest(TorchDispatchMode):
    """Remembers how many values the largest mask or score had."""

    values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.dim() >= 2 and out.shape[-1] == out.shape[-2] == LENGTH:
            self.values = max(self.values, out.numel())
        return out


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("family", "dtype"),
    # A tensor without values multiplies experts in bf16 alone.
    [
        *product(WITHOUT_MASKS, [torch.bfloat16]),
        *product([each for each in WITHOUT_MASKS if each not in WITH_EXPERTS], [torch.float32]),
    ],
)
def test_on_a_gpu_there_is_no_mask_and_nothing_is_read(
    *, family: Family, dtype: torch.dtype, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tensor without values refuses to be read."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    monkeypatch.setattr(module.functional, "scaled_dot_product_attention", _fused_kernel)
    shape = tiny_shape(family, context_length=LENGTH)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), _Largest() as largest:
        model = build_model(shape, device="cuda", dtype=dtype)
        ids = torch.zeros(2, LENGTH, dtype=torch.long, device="cuda")
        documents = Documents.of(np.arange(2 * LENGTH).reshape(2, LENGTH) // 7)
        shared = documents.to(torch.device("cuda")) if packed else None
        loss = batch_loss(model, model, BatchTensors(ids, ids, shared))
    assert loss.shape == ()
    assert largest.values == 0


def test_under_autocast_all_heads_have_its_type() -> None:
    heads, documents, _, _ = _case(1)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = attention(LAYER, *heads[:2], heads[2].bfloat16(), None, documents=documents)
    assert found.dtype is torch.bfloat16


@pytest.mark.parametrize("others", [{"softcap": 1.0}, {"s_aux": torch.ones(2)}])
def test_what_would_be_ignored_is_refused(others: dict[str, object]) -> None:
    heads = [torch.randn(1, 2, 4, 8)] * 3
    with pytest.raises(ValueError, match="takes no mask, softcap"):
        attention(LAYER, *heads, None, **others)
    with pytest.raises(ValueError, match="takes no mask"):
        attention(LAYER, *heads, torch.ones(1, 1, 4, 4))


def test_a_family_that_does_not_pass_on_its_arguments_keeps_its_attention() -> None:
    config = FalconConfig(vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")
    use_own_attention(model)
    assert not uses_own_attention(model)
