"""Bits per byte: the cost of encoding held-out text with a model, comparable across tokenizers.

Bits per byte = sum of the negative log-likelihoods in nats / (ln 2 x bytes of UTF-8 text). End of
text tokens stand for no text and count on neither side.

The stream of documents is cut into windows that do not overlap, as in training. Every token is
scored exactly once, from the tokens before it in its window and the one before the window.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.text import TokenStream
from llmtrain_trainer.models.likelihood import label_nats

_LOGITS_AT_A_TIME = {"cpu": 2**24, "cuda": 2**28}
"""Numbers of a forward pass's logits, which are its largest tensor."""


@dataclass(frozen=True)
class TextScore:
    """Score of a model on held-out text."""

    bits_per_byte: float
    standard_error: float | None
    """Standard error of the bits per byte over documents; None for a single document."""
    perplexity: float
    """Perplexity per token; not comparable between tokenizers."""
    num_bytes: int
    num_tokens: int
    """Those that were scored."""


def score_text(
    model: PreTrainedModel,
    stream: TokenStream,
    *,
    window: int,
    on_progress: Callable[[float], None] = lambda _: None,
) -> TextScore:
    """Measure a model on text.

    Args:
        model: in evaluation mode.
        stream: the text, in the model's own tokens.
        window: T, in tokens.
        on_progress: called with the finished share, from 0 to 1, after each forward pass.

    Raises:
        UserError: a prediction is not finite.
    """
    nats = np.where(
        stream.ends_document, 0.0, token_nats(model, stream, window=window, on_progress=on_progress)
    )
    document_nats = np.add.reduceat(nats, stream.document_starts)
    num_bytes = int(stream.document_bytes.sum())
    num_tokens = int((~stream.ends_document).sum())
    total = float(document_nats.sum())
    if not math.isfinite(total):
        raise UserError(
            f"{model.name_or_path}: the model's predictions are not finite numbers; its weights "
            "are damaged, or its training diverged",
            reason="NonFiniteModel",
        )
    per_byte = total / num_bytes
    return TextScore(
        bits_per_byte=per_byte / math.log(2),
        standard_error=_ratio_error(document_nats / math.log(2), stream.document_bytes),
        perplexity=math.exp(total / num_tokens),
        num_bytes=num_bytes,
        num_tokens=num_tokens,
    )


def token_nats(
    model: PreTrainedModel,
    stream: TokenStream,
    *,
    window: int,
    on_progress: Callable[[float], None] = lambda _: None,
) -> NDArray[np.float64]:
    """The negative log-likelihood of each token of a stream, in nats; shape (num_tokens,)."""
    num_tokens = len(stream.tokens)
    num_windows = -(-num_tokens // window)
    padded = np.full(num_windows * window + 1, stream.start_id, dtype=np.int64)
    padded[1 : num_tokens + 1] = stream.tokens
    inputs = torch.from_numpy(padded[:-1].reshape(num_windows, window))
    labels = torch.from_numpy(padded[1:].reshape(num_windows, window))
    budget = _LOGITS_AT_A_TIME[model.device.type]
    rows = max(1, budget // (window * model.config.vocab_size))
    found = []
    for start in range(0, num_windows, rows):
        some = slice(start, start + rows)
        found.append(label_nats(model, inputs[some], labels[some]).numpy())
        on_progress(min(1.0, (start + rows) / num_windows))
    return np.concatenate(found).ravel()[:num_tokens]


def _ratio_error(sums: NDArray[np.float64], sizes: NDArray[np.int64]) -> float | None:
    """Standard error of a ratio of two sums over documents.

    The delta method (Cochran, Sampling Techniques, 1977, section 6.4): the residuals of the
    documents, sum - ratio x size, over the total size. None for a single document.
    """
    count = len(sums)
    if count == 1:
        return None
    residuals = sums - sums.sum() / sizes.sum() * sizes
    return float(np.sqrt((residuals**2).sum() * count / (count - 1)) / sizes.sum())
