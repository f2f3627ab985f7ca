"""A tokenizer learned from the job's documents."""

from typing import TYPE_CHECKING

from llmtrain_api.spec.tokenizer import Algorithm
from llmtrain_trainer.control_tokens import (
    END_OF_TEXT,
    MESSAGE_END,
    MESSAGE_START,
    PADDING,
)
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokenizer.texts import Texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def learn(algorithm: Algorithm, vocabulary_size: int, texts: Texts) -> "PreTrainedTokenizerFast":
    """Learn a vocabulary of exactly this size; the same documents give the same one.

    Args:
        algorithm: how it is learned.
        vocabulary_size: special tokens included.
        texts: the documents to learn from.

    Raises:
        UserError: the documents do not have so many different tokens.
    """
    from transformers import PreTrainedTokenizerFast

    from llmtrain_trainer.tokenizer import byte_level, wordpiece

    special: dict[str, str] = {}
    match algorithm:
        case Algorithm.BPE:
            tokenizer = byte_level.learn_bpe(texts, vocabulary_size)
        case Algorithm.UNIGRAM:
            tokenizer = byte_level.learn_unigram(texts, vocabulary_size)
        case Algorithm.WORDPIECE:
            tokenizer = wordpiece.learn_wordpiece(texts, vocabulary_size)
            special = wordpiece.BERT_TOKENS
    _require_size(tokenizer.get_vocab_size(), vocabulary_size)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=PADDING,
        extra_special_tokens=[MESSAGE_START, MESSAGE_END],
        clean_up_tokenization_spaces=False,
        **special,
    )


def _require_size(learned: int, wanted: int) -> None:
    if learned < wanted:
        raise UserError(
            f"tokenizer.vocabularySize: {wanted} tokens are more than the documents have; "
            f"{learned} could be learned; lower it to that, or add data",
            reason="VocabularyTooLarge",
        )
    if learned > wanted:
        raise UserError(
            f"tokenizer.vocabularySize: {wanted} is too small for the documents' letters and the "
            f"special tokens; it must be at least {learned}",
            reason="VocabularyTooSmall",
        )
