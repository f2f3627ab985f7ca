"""Small models that score texts: Hugging Face folders and files of fastText."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.prose import CODE, EMOJI, PROSE

WORDS = sorted(
    {word for lines in (*PROSE.values(), [EMOJI, CODE]) for each in lines for word in each.split()}
)
LONGEST = 16
"""Tokens that a model takes at once."""


def hugging_face_folder(
    folder: Path, labels: Sequence[str], problem_type: str | None = None, seed: int = 0
) -> Path:
    """A BERT with random weights, and a tokenizer that knows `WORDS`.

    Args:
        folder: made here.
        labels: one for each output.
        problem_type: as in a config.json.
        seed: for the weights.
    """
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        model_max_length=LONGEST,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=LONGEST,
        initializer_range=0.5,
        problem_type=problem_type,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    BertForSequenceClassification(config).eval().save_pretrained(folder)
    return folder


def fast_text_file(path: Path, words: Mapping[str, Sequence[float]], labels: Sequence[str]) -> Path:
    """A classifier of fastText, as its version 12 writes files: dense, by softmax.

    Args:
        path: written here.
        words: the vector of each word; its place is the label that it speaks for.
        labels: one for each place.
    """
    size = len(labels)
    entries = [(word, 1, 0) for word in words] + [(f"__label__{label}", 1, 1) for label in labels]
    parts = [struct.pack("<2i", 793712314, 12)]
    # The size, then settings of training; 3 and 3 stand for softmax and a classifier.
    parts.append(struct.pack("<12id", size, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4))
    parts.append(struct.pack("<3i2q", len(entries), len(words), size, len(words), -1))
    parts += [
        word.encode() + b"\0" + struct.pack("<qb", count, kind) for word, count, kind in entries
    ]
    parts.append(struct.pack("<B2q", 0, len(words), size))
    parts += [struct.pack(f"<{size}f", *vector) for vector in words.values()]
    parts.append(struct.pack("<B2q", 0, size, size))
    parts += [
        struct.pack(f"<{size}f", *(float(row == column) for column in range(size)))
        for row in range(size)
    ]
    path.write_bytes(b"".join(parts))
    return path
