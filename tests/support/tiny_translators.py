"""Encoder-decoder models so small that they are made, not loaded; their words mean nothing."""

import json
from pathlib import Path

import sentencepiece
import torch
from support.prose import PROSE
from support.tiny_model import tiny_tokenizer
from transformers import (
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    T5Config,
    T5ForConditionalGeneration,
)


def save_t5(folder: Path, seed: int = 0, scale: float = 2.0) -> Path:
    """A T5 with random weights of a scale, and a byte-level tokenizer."""
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=320,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        initializer_factor=scale,
        tie_word_embeddings=False,
        decoder_start_token_id=3,
        pad_token_id=3,
        eos_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def save_marian(folder: Path) -> Path:
    """A Marian model as those of OPUS-MT are: with two vocabularies of SentencePiece."""
    torch.manual_seed(1)
    folder.mkdir(parents=True)
    for name, language in (("source", "English"), ("target", "German")):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(PROSE[language]),
            model_prefix=str(folder / name),
            vocab_size=80,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        (folder / f"{name}.model").rename(folder / f"{name}.spm")
        (folder / f"{name}.vocab").unlink()
    pieces = {"</s>": 0, "<unk>": 1}
    for name in ("source", "target"):
        model = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{name}.spm"))
        for number in range(model.get_piece_size()):
            pieces.setdefault(model.id_to_piece(number), len(pieces))
    pieces["<pad>"] = len(pieces)
    (folder / "vocab.json").write_text(json.dumps(pieces))
    files = (folder / name for name in ("source.spm", "target.spm", "vocab.json"))
    MarianTokenizer(*map(str, files), source_lang="en", target_lang="de").save_pretrained(folder)
    config = MarianConfig(
        vocab_size=len(pieces),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=128,
        pad_token_id=pieces["<pad>"],
        decoder_start_token_id=pieces["<pad>"],
        eos_token_id=0,
        forced_eos_token_id=0,
        init_std=1.0,
    )
    MarianMTModel(config).save_pretrained(folder)
    return folder
