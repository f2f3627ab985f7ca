"""The texts for learning a tokenizer."""

from collections.abc import Callable, Iterator

from tokenizers import Tokenizer, pre_tokenizers, trainers

Texts = Callable[[], Iterator[list[str]]]
"""Gives all documents, some at a time; from the first again each time it is called."""

LONGEST_WORD = 1024
"""Letters of a word that are learned from together; for tokenizers over bytes, its bytes."""


def learn_words(tokenizer: Tokenizer, trainer: trainers.Trainer, texts: Texts) -> None:
    """Learn a model from the words of texts.

    A longer word is learned from in pieces: the time that a learner takes grows with the square of
    a word's length, and the unigram learner's stack with its length, until the process crashes.
    Encoding takes linear time, so the tokenizer itself keeps whole words.

    Args:
        tokenizer: says what a word is; it is left with the learned model.
        trainer: learns.
        texts: the documents to learn from.
    """
    words = tokenizer.pre_tokenizer
    pieces = pre_tokenizers.FixedLength(LONGEST_WORD)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pieces])
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.pre_tokenizer = words
