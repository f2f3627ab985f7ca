"""A model that translates, in a Hugging Face folder: any encoder with a decoder (Marian, T5).

The sentences of one document are translated together, and no others: what comes out does not depend
on the documents beside it. One thread of the processor adds its numbers up, in the same order on
every machine.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.random import Generator
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

from llmtrain_trainer.data.scores.hugging_face import one_thread
from llmtrain_trainer.errors import UserError, in_one_line

_SENTENCES_AT_ONCE = 16
_LONGEST_TOKENS = 512
_MOST_TOKENS_PER_TOKEN = 2
"""Tokens of a translation for each one of the sentence; more are the model's repetitions."""
_MORE_TOKENS = 16
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors of the library over a stranger's files."""


class Translator:
    """Translates sentences in one direction.

    Args:
        folder: holds the model and its tokenizer.
        field: the manifest's field that names it, for messages.
        prefix: stands before every sentence: the task that the model is asked for.

    Raises:
        UserError: the folder holds no such model, or not all of it.
    """

    def __init__(self, folder: Path, field: str, prefix: str) -> None:
        require_translator(folder, field)
        self._field, self._prefix = field, prefix
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            model, found = AutoModelForSeq2SeqLM.from_pretrained(
                folder,
                dtype=torch.float32,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
        except _FAULTS as error:
            raise _invalid(folder, field, in_one_line(error)) from error
        if missing := sorted(found["missing_keys"]):  # the library would make them up
            raise _invalid(folder, field, f"the weights lack {', '.join(missing[:3])}")
        self._model: Any = model.eval()
        limits = (
            self._tokenizer.model_max_length,
            getattr(model.config, "max_position_embeddings", None) or math.inf,
            _LONGEST_TOKENS,
        )
        self._longest = int(min(limits))

    def translate(
        self, sentences: Sequence[str], temperature: float, random: Generator
    ) -> list[str | None]:
        """The translations; None of a sentence that is too long for the model, or comes to nothing.

        Args:
            sentences: those of one document.
            temperature: temperature of the sampling; with 0 the model's own search decides.
            random: chooses among the likely words.
        """
        found: list[str | None] = [None] * len(sentences)
        short = [
            place for place, text in enumerate(sentences) if self._num_tokens(text) <= self._longest
        ]
        for start in range(0, len(short), _SENTENCES_AT_ONCE):
            places = short[start : start + _SENTENCES_AT_ONCE]
            texts = self._generate([sentences[place] for place in places], temperature, random)
            for place, text in zip(places, texts, strict=True):
                found[place] = text.strip() or None
        return found

    def _num_tokens(self, sentence: str) -> int:
        return len(self._tokenizer(self._prefix + sentence)["input_ids"])

    @torch.inference_mode()
    def _generate(
        self, sentences: Sequence[str], temperature: float, random: Generator
    ) -> list[str]:
        encoded = self._tokenizer(
            [self._prefix + each for each in sentences], padding=True, return_tensors="pt"
        )
        encoded.pop("token_type_ids", None)
        length = encoded["input_ids"].shape[1]
        wanted = min(self._longest - 1, _MOST_TOKENS_PER_TOKEN * length + _MORE_TOKENS)
        sampling: dict[str, Any] = {}
        if temperature:
            sampling = {"do_sample": True, "temperature": temperature, "num_beams": 1, "top_k": 0}
        with torch.random.fork_rng(devices=[]), one_thread():
            torch.manual_seed(int(random.integers(2**63)))
            try:
                ids = self._model.generate(
                    **encoded, max_length=None, max_new_tokens=wanted, **sampling
                )
            except _FAULTS as error:
                raise UserError(
                    f"{self._field}: it cannot translate {sentences[0][:40]!r}: "
                    f"{in_one_line(error)}; its tokenizer and its weights must belong together",
                    reason="InvalidModel",
                ) from error
        decoded: list[str] = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        return decoded


def require_translator(folder: Path, field: str) -> None:
    """Make sure that a folder holds a model that translates; its weights are not loaded.

    Raises:
        UserError: it does not.
    """
    for pattern in ("config.json", "*.safetensors"):
        if not [*folder.glob(pattern)]:
            raise _invalid(folder, field, f"it has no {pattern}")
    try:
        config: Any = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except _FAULTS as error:
        raise _invalid(folder, field, in_one_line(error)) from error
    if not config.is_encoder_decoder:
        raise _invalid(folder, field, f"a {config.model_type} has no encoder with a decoder")


def _invalid(folder: Path, field: str, fault: str) -> UserError:
    return UserError(
        f"{field}: {folder}: {fault}; it must be a folder with a model that translates and its "
        "tokenizer, as `save_pretrained` writes them with safetensors, such as Marian's or T5",
        reason="InvalidModel",
    )
