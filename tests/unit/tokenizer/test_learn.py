"""Vocabularies are learned, the same each time, and give texts back."""

import random
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from llmtrain_api.spec.tokenizer import Algorithm
from llmtrain_trainer.control_tokens import SPECIAL_TOKENS, TextTokenizer
from llmtrain_trainer.data.sources.python_docs import harvest_part
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokenizer.learn import learn

PARTS = ("argparse.py", "difflib.py", "random.py", "statistics.py", "topics")
SIZE = 700
ON_BYTES = (Algorithm.BPE, Algorithm.UNIGRAM)

ASSIGNED = st.characters(codec="utf-8", exclude_categories=["Cn"])
"""Two libraries may know different versions of Unicode: what is unassigned may be a letter."""
LLAMA_CPP_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""Words of the pre-tokenizer that llama.cpp calls `gpt-2` (Radford et al. 2019)."""


@cache
def documents() -> list[str]:
    return [entry.document for part in PARTS for entry in harvest_part(part)]


def texts() -> Iterator[list[str]]:
    yield documents()[:10]
    yield documents()[10:]


@cache
def learned(algorithm: Algorithm) -> PreTrainedTokenizerFast:
    return learn(algorithm, SIZE, texts)


@cache
def text_tokenizer(algorithm: Algorithm) -> TextTokenizer:
    return TextTokenizer(learned(algorithm).backend_tokenizer.to_str())


@pytest.fixture(params=list(Algorithm))
def algorithm(request: pytest.FixtureRequest) -> Algorithm:
    return Algorithm(request.param)


def test_plain_transformers_loads_the_saved_folder(tmp_path: Path, algorithm: Algorithm) -> None:
    learned(algorithm).save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert len(loaded) == SIZE
    assert loaded.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == [0, 1, 2, 3]
    assert (loaded.eos_token, loaded.pad_token) == SPECIAL_TOKENS[:2]
    assert loaded.encode(documents()[0]) == learned(algorithm).encode(documents()[0])
    assert loaded.encode("<|im_start|>user", add_special_tokens=False)[0] == 2


def test_the_same_documents_give_the_same_vocabulary(algorithm: Algorithm) -> None:
    again = learn(algorithm, SIZE, texts)
    assert again.backend_tokenizer.to_str() == learned(algorithm).backend_tokenizer.to_str()


@pytest.mark.parametrize("algorithm", ON_BYTES)
@given(text=st.text())
def test_any_text_comes_back(algorithm: Algorithm, text: str) -> None:
    tokenizer: PreTrainedTokenizerFast = learned(algorithm)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("algorithm", ON_BYTES)
@given(pieces=st.lists(st.text() | st.sampled_from(SPECIAL_TOKENS), max_size=5))
def test_a_document_comes_back_from_a_token_file(algorithm: Algorithm, pieces: list[str]) -> None:
    text = "".join(pieces)
    (ids,) = text_tokenizer(algorithm).encode_ids([text])
    assert not set(ids) & set(range(len(SPECIAL_TOKENS)))  # what it mentions is no control token
    assert learned(algorithm).decode(ids) == text


@given(text=st.text(ASSIGNED | st.sampled_from("aB1'st \t\n.\u00a0\u3000中")))
def test_bpe_cuts_words_as_llama_cpp_does(text: str) -> None:
    words = learned(Algorithm.BPE).backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    assert [text[start:end] for _, (start, end) in words] == regex.findall(LLAMA_CPP_GPT2, text)


def test_wordpiece_splits_words_and_knows_what_it_does_not_know() -> None:
    tokenizer = learned(Algorithm.WORDPIECE)
    tokens = tokenizer.tokenize("The parser's arguments ☃")
    assert tokens[-1] == tokenizer.unk_token == "[UNK]"
    assert any(token.startswith("##") for token in tokens)
    assert tokenizer.decode(tokenizer.encode("The parser")) == "The parser"


def test_a_vocabulary_larger_than_the_documents_is_refused(algorithm: Algorithm) -> None:
    with pytest.raises(UserError, match=r"vocabularySize: 500000 tokens are more .* could be") as e:
        learn(algorithm, 500_000, texts)
    assert e.value.reason == "VocabularyTooLarge"


def test_a_vocabulary_smaller_than_the_alphabet_is_refused() -> None:
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    with pytest.raises(UserError, match=r"300 is too small .* it must be at least"):
        learn(Algorithm.WORDPIECE, 300, lambda: iter([[letters]]))


def test_long_words_are_learned_from_in_linear_time_and_come_back(algorithm: Algorithm) -> None:
    # The unigram learner crashed where a word was as long as this; the others took a minute.
    letters = "abcdefghijklmnopqrstuvwxyz"
    run = "a" * 150_000
    if algorithm is not Algorithm.UNIGRAM:
        run = "".join(random.Random(1).choices(letters, k=300_000))  # noqa: S311 - no secret
    started = time.process_time()
    tokenizer = learn(algorithm, SIZE, lambda: iter([[*documents()[:60], run]]))
    ids = tokenizer.encode(run)
    assert time.process_time() - started < 15
    if algorithm in ON_BYTES:
        assert tokenizer.decode(ids) == run


def test_the_bound_on_words_changes_nothing_for_ordinary_texts(
    algorithm: Algorithm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmtrain_trainer.tokenizer.texts.LONGEST_WORD", 10**9)
    without = learn(algorithm, SIZE, texts)
    assert without.backend_tokenizer.to_str() == learned(algorithm).backend_tokenizer.to_str()
