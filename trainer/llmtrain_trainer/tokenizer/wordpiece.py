"""WordPiece (Schuster & Nakajima 2012), as BERT uses it: cased, `##` inside words."""

import json
from collections import Counter

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from llmtrain_trainer.control_tokens import SPECIAL_TOKENS
from llmtrain_trainer.tokenizer.texts import Texts, learn_words

UNKNOWN = "[UNK]"
BERT_TOKENS = {
    "unk_token": UNKNOWN,
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
"""Special tokens, by the names of `transformers`."""

_SPECIAL = (*SPECIAL_TOKENS, *BERT_TOKENS.values())
_INSIDE = "##"
_ALPHABET_MAX = 1000
"""Rarer letters are unknown; BERT's own bound."""


def learn_wordpiece(texts: Texts, vocabulary_size: int) -> Tokenizer:
    """A WordPiece vocabulary; texts do not survive it to the letter."""
    alphabet = _alphabet(texts)
    # The trainer numbers `##x` in the order in which its hash map gives the words, which changes
    # from run to run, and its ties with them. Listed before, they have fixed numbers.
    inside = [_INSIDE + letter for letter in alphabet if letter.isalnum()]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[*_SPECIAL, *alphabet, *inside],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    learning = _as_bert(models.WordPiece(unk_token=UNKNOWN))
    learn_words(learning, trainer, texts)
    vocabulary = json.loads(learning.to_str())["model"]["vocab"]
    tokenizer = _as_bert(models.WordPiece(vocabulary, unk_token=UNKNOWN))
    tokenizer.add_special_tokens(list(_SPECIAL))
    return tokenizer


def _as_bert(model: models.Model) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _alphabet(texts: Texts) -> list[str]:
    """The most frequent letters, in the order of their code points."""
    counts: Counter[str] = Counter()
    for some in texts():
        for text in some:
            counts.update(text)
    letters = sorted(
        (letter for letter in counts if letter.isprintable() and not letter.isspace()),
        key=lambda letter: (-counts[letter], letter),
    )
    return sorted(letters[:_ALPHABET_MAX])
