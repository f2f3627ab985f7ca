"""Attention in training: causal, within each document, and without a mask of all pairs.

A model that uses it makes no masks, so nothing in its forward pass has the host wait for the
device. Its layers pass on what they need: the scale, a window, and the documents of the batch.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface, PreTrainedModel

from llmtrain_trainer.training.documents import Documents

_NAME = "llmtrain"
_UNSUPPORTED = ("softcap", "s_aux", "position_bias")
"""Arguments of families that change the scores."""


def use_own_attention(model: nn.Module) -> None:
    """Have a model attend by `attention`, where its family allows for that.

    Families whose layers take flash attention, and pass on arguments that they do not know, say
    all that matters in arguments. Others, such as those that add a bias to the scores, keep the
    attention and the masks that they have.
    """
    base = next(module for module in model.modules() if isinstance(module, PreTrainedModel))
    says_all = base._supports_flash_attn and base._supports_attention_backend  # noqa: SLF001 - no public name
    if says_all and base.config._attn_implementation == "sdpa":  # noqa: SLF001 - no public name
        base.set_attn_implementation(_NAME)


def uses_own_attention(model: PreTrainedModel) -> bool:
    """Whether a model attends by `attention`, and so needs no masks."""
    own: bool = model.config._attn_implementation == _NAME  # noqa: SLF001 - no public name
    return own


class _Heads(NamedTuple):
    """What attention is computed from."""

    query: Tensor
    """(B, H, T, D)."""
    key: Tensor
    """(B, G, T, D), where G divides H."""
    value: Tensor
    """(B, G, T, E)."""

    @property
    def shared(self) -> int:
        """Heads of the queries for each head of the keys."""
        return self.query.shape[1] // self.key.shape[1]

    def repeated(self) -> "_Heads":
        """The same with as many keys and values as queries."""
        if self.shared == 1:
            return self
        key, value = (each.repeat_interleave(self.shared, dim=1) for each in self[1:])
        return _Heads(self.query, key, value)

    def flat(self) -> list[Tensor]:
        """Each as (B x T, heads, size)."""
        return [each.transpose(1, 2).flatten(0, 1) for each in self]


@dataclass(frozen=True)
class _Options:
    """How scores become weights."""

    dropout: float
    scale: float | None
    window: int | None
    """Positions that each one sees, itself included; None for all before it."""


def attention(  # noqa: PLR0913 - as transformers calls it
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    documents: Documents | None = None,
    **others: object,
) -> tuple[Tensor, None]:
    """Causal attention, as the layers of `transformers` call it.

    Args:
        module: the layer.
        query: (B, H, T, D).
        key: (B, G, T, D), where G divides H.
        value: (B, G, T, E).
        attention_mask: none is taken.
        dropout: probability.
        scaling: factor of the scores; None for 1 / sqrt(D).
        sliding_window: positions that each one sees, itself included; None for all before it.
        documents: documents of the batch; None where each sequence is one.
        others: what a family passes on besides.

    Returns:
        (B, T, H, E), and no weights.

    Raises:
        ValueError: the family asks for what is not computed here.
    """
    unsupported = [name for name in _UNSUPPORTED if others.get(name) is not None]
    if attention_mask is not None or unsupported or not getattr(module, "is_causal", True):
        raise ValueError(f"own attention takes no mask, {', '.join(_UNSUPPORTED)}")
    heads = _Heads(*(_in_autocast_dtype(each) for each in (query, key, value)))
    length = query.shape[2]
    window = sliding_window if sliding_window is not None and sliding_window < length else None
    options = _Options(dropout, scaling, window)
    if documents is None and window is None:
        return _scaled_dot_product(heads, options), None
    if _has_kernel(heads, options):
        return _by_kernel(heads, documents, options), None
    if documents is None or query.is_cuda or torch.compiler.is_compiling():
        mask = _mask(documents, length, window, query.device)
        return _scaled_dot_product(heads, options, mask), None
    return _one_by_one(heads, documents, options), None


AttentionInterface.register(_NAME, attention)


def _in_autocast_dtype(values: Tensor) -> Tensor:
    """Under autocast, rotary positions make fp32 of queries and keys, and not of values."""
    device = values.device.type
    if not (torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return values
    return values.to(torch.get_autocast_dtype(device))


def _scaled_dot_product(heads: _Heads, options: _Options, mask: Tensor | None = None) -> Tensor:
    """Attention of whole sequences; without a mask, in the fastest kernel that there is.

    Returns:
        (B, T, H, E), contiguous.
    """
    query = heads.query
    # The kernels of CUDA for fp32 and for masks take no shared heads: a slow one would be used.
    if query.is_cuda and (mask is not None or query.dtype is torch.float32):
        heads = heads.repeated()
    out = functional.scaled_dot_product_attention(
        *heads,
        attn_mask=mask,
        dropout_p=options.dropout,
        is_causal=mask is None,
        scale=options.scale,
        enable_gqa=heads.shared > 1,
    )
    return out.transpose(1, 2).contiguous()


def _mask(
    documents: Documents | None, length: int, window: int | None, device: torch.device
) -> Tensor:
    """Pairs that count; (1 or B, 1, T, T)."""
    steps = torch.arange(length, device=device)
    mask = steps[:, None] >= steps
    if window is not None:
        mask &= steps[:, None] - steps < window
    if documents is None:
        return mask[None, None]
    numbers = (documents.position_ids == 0).cumsum(dim=1)
    return (mask & (numbers[:, :, None] == numbers[:, None, :]))[:, None]


def _one_by_one(heads: _Heads, documents: Documents, options: _Options) -> Tensor:
    """Attention of one document after the other, with borders that lie on the host."""
    lengths: list[int] = documents.borders.diff().tolist()
    # Split, not sliced: each slice would have a gradient of the whole size.
    pieces = [torch.split(each, lengths) for each in heads.flat()]
    parts = []
    for length, *document in zip(lengths, *pieces, strict=True):
        windowed = options.window is not None and options.window < length
        mask = _mask(None, length, options.window, heads.query.device) if windowed else None
        here = _Heads(*(each.transpose(0, 1)[None] for each in document))
        parts.append(_scaled_dot_product(here, options, mask))
    return _in_rows(torch.cat(parts, dim=1)[0], heads)


def _in_rows(flat: Tensor, heads: _Heads) -> Tensor:
    """(B x T, H, E) as (B, T, H, E)."""
    return flat.view(heads.query.shape[0], heads.query.shape[2], *flat.shape[1:])


_FLASH_HEAD_SIZE = 256
_ALIGNMENT = 8
_AMPERE = (8, 0)
"""The oldest compute capability with flash attention."""


def _has_kernel(heads: _Heads, options: _Options) -> bool:
    """Whether a GPU has a kernel for documents of different lengths."""
    sizes = (heads.query.shape[3], heads.value.shape[3])
    if not heads.query.is_cuda or any(size % _ALIGNMENT for size in sizes):
        return False
    return options.window is None or _takes_flash(heads, options)


def _takes_flash(heads: _Heads, options: _Options) -> bool:
    query = heads.query
    return (
        query.dtype is not torch.float32
        and options.dropout == 0.0
        and query.shape[3] == heads.value.shape[3] <= _FLASH_HEAD_SIZE
        and torch.cuda.get_device_capability(query.device) >= _AMPERE
    )


def _by_kernel(heads: _Heads, documents: Documents | None, options: _Options) -> Tensor:
    """Attention of documents of different lengths in one kernel."""
    size, _, length, _ = heads.query.shape
    if documents is None:
        ends = torch.arange(size + 1, dtype=torch.int32, device=heads.query.device)
        borders, longest = ends * length, length
    else:
        borders, longest = documents.borders, documents.longest.shape[0]
    if not _takes_flash(heads, options):
        return _in_rows(_memory_efficient(heads, borders, longest, options), heads)
    query, key, value = heads.flat()
    out = varlen_attn(
        query,
        key,
        value,
        borders,
        borders,
        longest,
        longest,
        scale=options.scale,
        window_size=(-1 if options.window is None else options.window - 1, 0),
        enable_gqa=heads.shared > 1,
    )
    assert isinstance(out, Tensor)
    return _in_rows(out, heads)


_CAUSAL_FROM_TOP_LEFT = 1


def _memory_efficient(heads: _Heads, borders: Tensor, longest: int, options: _Options) -> Tensor:
    """The kernel for fp32 and for dropout, called as torch's nested tensors call it.

    Its backward pass knows no window.

    Returns:
        (B x T, H, E).
    """
    query, key, value = heads.repeated().flat()
    out: Tensor = torch.ops.aten._efficient_attention_forward(  # noqa: SLF001 - no public name
        query[None],
        key[None],
        value[None],
        None,
        borders,
        borders,
        longest,
        longest,
        options.dropout,
        _CAUSAL_FROM_TOP_LEFT,
        compute_log_sumexp=True,
        scale=options.scale,
    )[0]
    return out[0]
