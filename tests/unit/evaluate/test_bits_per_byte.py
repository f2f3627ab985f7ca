"""Bits per byte against what can be worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from support.tiny_model import TEXT, tiny_model, tiny_tokenizer

from llmtrain_trainer.data.documents import DocumentWriter, row_groups
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate import bits_per_byte
from llmtrain_trainer.evaluate.bits_per_byte import score_text, token_nats
from llmtrain_trainer.evaluate.text import TokenStream, token_stream
from llmtrain_trainer.tokenizer.encode import Encoder, encode

TEXTS = [*TEXT, "Ünïcödé 👍 has more bytes than characters."]


def naive_nats(stream: TokenStream, *, window: int, seed: int) -> list[float]:
    """One token at a time: the probability after what precedes it in its window."""
    model = tiny_model(seed=seed)
    tokens = [stream.start_id, *stream.tokens.tolist()]
    found = []
    for position in range(1, len(tokens)):
        start = (position - 1) // window * window
        logits = model(input_ids=torch.tensor([tokens[start:position]])).logits[0, -1]
        found.append(-float(torch.log_softmax(logits.double(), dim=0)[tokens[position]]))
    return found


@torch.no_grad()
@pytest.mark.parametrize("window", [7, 64])
def test_every_token_is_scored_once_as_a_naive_loop_does(window: int) -> None:
    stream = token_stream(tiny_tokenizer(), TEXTS)
    expected = naive_nats(stream, window=window, seed=3)
    measured = token_nats(tiny_model(seed=3), stream, window=window)
    np.testing.assert_allclose(measured, expected, rtol=1e-4)

    text_nats = [n for n, end in zip(expected, stream.ends_document, strict=True) if not end]
    num_bytes = sum(len(text.encode()) for text in TEXTS)
    score = score_text(tiny_model(seed=3), stream, window=window)
    assert score.bits_per_byte == pytest.approx(sum(text_nats) / math.log(2) / num_bytes, rel=1e-5)
    assert score.perplexity == pytest.approx(math.exp(sum(text_nats) / len(text_nats)), rel=1e-4)
    assert (score.num_bytes, score.num_tokens) == (num_bytes, len(text_nats))


def test_a_model_that_knows_nothing_pays_the_logarithm_of_its_vocabulary() -> None:
    model = tiny_model(vocabulary_size=512)
    torch.nn.init.zeros_(model.lm_head.weight)  # every token is as likely as any other
    stream = token_stream(tiny_tokenizer(), TEXTS)
    score = score_text(model, stream, window=16)
    assert score.perplexity == pytest.approx(512, rel=1e-6)
    assert score.bits_per_byte == pytest.approx(
        math.log2(512) * score.num_tokens / score.num_bytes, rel=1e-6
    )


def test_the_number_of_windows_at_a_time_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = token_stream(tiny_tokenizer(), TEXTS)
    at_once = token_nats(tiny_model(), stream, window=8)
    monkeypatch.setitem(bits_per_byte._LOGITS_AT_A_TIME, "cpu", 1)
    shares: list[float] = []
    one_by_one = token_nats(tiny_model(), stream, window=8, on_progress=shares.append)
    np.testing.assert_allclose(one_by_one, at_once, rtol=1e-5)
    assert len(shares) == -(-len(stream.tokens) // 8)
    assert shares[-1] == 1.0


def test_the_standard_error_is_that_of_other_documents() -> None:
    stream = token_stream(tiny_tokenizer(), TEXTS)
    nats = np.where(stream.ends_document, 0.0, token_nats(tiny_model(), stream, window=16))
    ends = [*stream.document_starts.tolist()[1:], len(nats)]
    bits = np.array(
        [nats[s:e].sum() / math.log(2) for s, e in zip(stream.document_starts, ends, strict=True)]
    )
    sizes = stream.document_bytes
    residuals = bits - bits.sum() / sizes.sum() * sizes
    expected = math.sqrt((residuals**2).sum() / 3 * 4) / sizes.sum()
    score = score_text(tiny_model(), stream, window=16)
    assert score.standard_error == pytest.approx(expected, rel=1e-6)
    alone = score_text(tiny_model(), token_stream(tiny_tokenizer(), TEXTS[:1]), window=16)
    assert alone.standard_error is None


def test_a_damaged_model_is_named_not_measured() -> None:
    model = tiny_model()
    torch.nn.init.constant_(model.lm_head.weight, math.nan)
    with pytest.raises(UserError, match="not finite"):
        score_text(model, token_stream(tiny_tokenizer(), TEXTS), window=16)


def test_texts_become_the_tokens_of_the_token_files(tmp_path: Path) -> None:
    texts = ["A text.", "It speaks of <|endoftext|> only.", ""]
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    with DocumentWriter(tmp_path / "documents") as writer:
        for text in texts:
            writer.write(text, "test")
    (group,) = row_groups(tmp_path / "documents")
    encoding = encode(group.texts(), Encoder(tmp_path / "tokenizer.json", "", 0, None, "uint16"))
    stream = token_stream(tokenizer, texts)
    assert stream.tokens.tolist() == encoding.tokens.tolist()
    assert np.diff([*stream.document_starts, len(stream.tokens)]).tolist() == (
        encoding.num_tokens.tolist()
    )
    assert stream.document_bytes.tolist() == encoding.num_bytes.tolist()
    assert stream.ends_document.sum() == 3  # none of them in the middle of a text


def test_an_empty_document_costs_nothing() -> None:
    tokenizer = tiny_tokenizer()
    with_empty = score_text(tiny_model(), token_stream(tokenizer, ["", *TEXT]), window=512)
    assert with_empty.num_bytes == sum(len(text.encode()) for text in TEXT)
