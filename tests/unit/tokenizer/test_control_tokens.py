"""A document that mentions a control token holds its letters, whatever the algorithm."""

from collections.abc import Callable

import pytest
from support.tiny_model import TEXT, tiny_tokenizer
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from llmtrain_trainer.control_tokens import TextTokenizer

MENTION = "the </s> dog<unk>"


def unigram() -> Tokenizer:
    """As SentencePiece makes them: its control tokens are pieces like any other."""
    pieces = [("<unk>", 0.0), ("</s>", 0.0), *((letter, -5.0) for letter in "</unks>thedog▁")]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def word_level() -> Tokenizer:
    words = ["<unk>", "</s>", "the", "dog"]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


@pytest.mark.parametrize("make", [unigram, word_level])
def test_a_mentioned_control_token_is_text(make: Callable[[], Tokenizer]) -> None:
    tokenizer = make()
    tokenizer.add_special_tokens(["<unk>", "</s>"])
    end = tokenizer.token_to_id("</s>")
    assert end in tokenizer.encode(MENTION).ids
    text = TextTokenizer(tokenizer.to_str())
    assert end not in text.encode_ids([MENTION])[0]
    assert [end] == text.encode([text.private_names["</s>"]])[0].ids
    plain = "the dog"
    assert text.encode_ids([plain])[0] == tokenizer.encode(plain).ids


def test_other_tokens_keep_their_numbers() -> None:
    backend = tiny_tokenizer().backend_tokenizer
    backend.add_special_tokens(["<late>"])
    backend.add_tokens([AddedToken("<think>")])
    text = TextTokenizer(backend.to_str())
    thought = backend.token_to_id("<think>")
    for line in TEXT:
        expected = backend.encode(line).ids
        assert text.encode_ids([line])[0] == expected
        mentioning = text.encode_ids([f"{line}<think><late>"])[0]
        assert mentioning[: len(expected) + 1] == [*expected, thought]
        assert backend.token_to_id("<late>") not in mentioning
    assert text.encode([text.private_names["<late>"]])[0].ids == [backend.token_to_id("<late>")]
