"""Changed copies of training documents."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api.base import OneOf, Path, Section, rule, rules

WORDNET = "/usr/share/wordnet"
"""Where Debian's package `wordnet-base` has its files, as in the trainer's image."""

Rate = Annotated[float, Field(gt=0, le=0.5)]


class Way(Section):
    """A way of changing documents."""

    copies: int = Field(1, ge=1, le=16)
    """Copies of each document, all of them different. A copy that turns out like the document, or
    like another copy of it, is not written; the data report counts those."""
    share: float = Field(1.0, gt=0, le=1)
    """Share of the training documents that get copies, chosen by a hash of the text."""


class SynonymWay(Way):
    """A way that needs synonyms."""

    wordnet: Path = WORDNET
    """A folder with WordNet's files `index.noun`, `data.noun` and so on, and `cntlist.rev`, such as
    those of Debian's package `wordnet-base`, which the trainer's image has."""


class SynonymReplacement(SynonymWay):
    """English words replaced by synonyms of their most frequent sense.

    Documents in other languages are left. So are words with capitals, inflected words, and those
    whose sense does not occur in the text that WordNet's makers have tagged.
    """

    rate: Rate = 0.1
    """Share of the words with synonyms that are replaced; at least one."""


class RandomInsertion(SynonymWay):
    """Synonyms of English words inserted at other places in their sentences."""

    rate: Rate = 0.1
    """Share of the words with synonyms of which one is inserted; at least one."""


class RandomSwap(Way):
    """Words that change places with others of their sentence; marks stay where they are.

    Words have white space between them. Text in scripts without it, such as Chinese and Thai, is
    left.
    """

    rate: Rate = 0.1
    """Share of the words that are swapped with another; at least one."""


class RandomDeletion(Way):
    """Words that are left out.

    Words have white space between them. Text in scripts without it, such as Chinese and Thai, is
    left.
    """

    rate: Rate = 0.1
    """Share of the words that are left out; at least one."""


class SentenceShuffle(Way):
    """The sentences of each paragraph in another order."""


class KeyboardTypos(Way):
    """Letters replaced by those beside them on the keyboard.

    The keyboards are the English, the Russian and the Greek one; other letters are left.
    """

    rate: Rate = 0.02
    """Share of the words of four letters and more that get a wrong letter; at least one."""


class Translation(Section):
    """A model that translates in one direction."""

    model: Path
    """A folder with an encoder-decoder model and its tokenizer, such as Marian's or T5, or its name
    on the Hugging Face hub. Weights are read from `*.safetensors` alone."""
    prefix: Annotated[str, StringConstraints(max_length=256)] = ""
    """Text before each sentence: the task, for models that know several, such as T5's
    `translate English to German: `."""


_ALL_THE_SAME = "several copies need a temperature above 0; without they would all be the same"


class BackTranslation(Way):
    """Sentences translated into another language and back; what one cannot translate stays.

    It takes a second of a processor and more for each sentence: set `share`.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.copies) || self.copies == 1"
                " || (has(self.temperature) && self.temperature > 0.0)",
                _ALL_THE_SAME,
            )
        )
    )

    forward: Translation
    """Translation into the other language."""
    back: Translation
    """Translation from the other language."""
    temperature: float = Field(0.0, ge=0, le=2)
    """Temperature at which words are drawn, both ways; with 0 each model searches for the likeliest
    translation as its generation_config.json says."""
    max_bytes: int = Field(16_384, ge=256, le=1_048_576)
    """Longest document, in bytes, of which copies are made."""

    @model_validator(mode="after")
    def _copies_differ(self) -> Self:
        if self.copies > 1 and not self.temperature:
            raise ValueError(_ALL_THE_SAME)
        return self


class Augmentation(OneOf):
    """One way of changing documents; exactly one kind."""

    synonym_replacement: SynonymReplacement | None = None
    random_insertion: RandomInsertion | None = None
    random_swap: RandomSwap | None = None
    random_deletion: RandomDeletion | None = None
    sentence_shuffle: SentenceShuffle | None = None
    keyboard_typos: KeyboardTypos | None = None
    back_translation: BackTranslation | None = None


Augmentations = Annotated[tuple[Augmentation, ...], Field(min_length=1, max_length=16)]
