"""Vocabularies over bytes: any text can be written, and read back to the last byte.

Texts are first cut as in Radford et al. 2019, and their bytes written as letters.
"""

import json
import math

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from llmtrain_trainer.control_tokens import SPECIAL_TOKENS
from llmtrain_trainer.tokenizer.texts import Texts, learn_words

_SCORE_DIGITS = 6


def learn_bpe(texts: Texts, vocabulary_size: int) -> Tokenizer:
    """Byte pair encoding (Sennrich et al. 2016)."""
    tokenizer = _on_bytes(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learn_words(tokenizer, trainer, texts)
    return tokenizer


def learn_unigram(texts: Texts, vocabulary_size: int) -> Tokenizer:
    """The unigram language model (Kudo 2018)."""
    tokenizer = _on_bytes(models.Unigram())
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learn_words(tokenizer, trainer, texts)
    return _in_fixed_order(tokenizer)


def _on_bytes(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _in_fixed_order(tokenizer: Tokenizer) -> Tokenizer:
    """Make the vocabulary of a run the same as any other run's.

    Threads add the scores up in any order, so their last digits differ from run to run: they are
    rounded. Bytes that the documents lack get falling scores in the order of a hash map: they get
    the lowest score of the longer tokens, which no other token competes with.
    """
    state = json.loads(tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    special, learned = vocabulary[: len(SPECIAL_TOKENS)], vocabulary[len(SPECIAL_TOKENS) :]
    lowest = min((score for token, score in learned if len(token) > 1), default=-math.inf)
    scores = {token: round(max(score, lowest), _SCORE_DIGITS) for token, score in learned}
    state["model"]["vocab"] = [*special, *sorted(scores.items(), key=_by_score)]
    return Tokenizer.from_str(json.dumps(state))


def _by_score(entry: tuple[str, float]) -> tuple[float, str]:
    token, score = entry
    return -score, token
