"""The families of models: a family is one file in this folder, and one row here."""

from enum import StrEnum
from typing import Self

from llmtrain_api.families.base import ModelFamily
from llmtrain_api.families.bloom import Bloom
from llmtrain_api.families.falcon import Falcon
from llmtrain_api.families.gemma import Gemma
from llmtrain_api.families.gemma3_text import Gemma3Text
from llmtrain_api.families.gpt2 import Gpt2
from llmtrain_api.families.gpt_neox import GptNeox
from llmtrain_api.families.gptj import GptJ
from llmtrain_api.families.llama import Llama
from llmtrain_api.families.mixtral import Mixtral
from llmtrain_api.families.opt import Opt
from llmtrain_api.families.qwen3 import Qwen3
from llmtrain_api.families.qwen3_moe import Qwen3Moe


class Family(StrEnum):
    """An architecture of Hugging Face `transformers`."""

    _value_: str
    definition: ModelFamily
    """All that is known about the family."""

    def __new__(cls, definition: ModelFamily) -> Self:
        """Make a member whose value is the family's name."""
        member = str.__new__(cls, definition.name)
        member._value_ = definition.name
        member.definition = definition
        return member

    @classmethod
    def of(cls, definition: ModelFamily) -> Self:
        """The member with this definition."""
        return next(each for each in cls if each.definition is definition)

    GPT2 = Gpt2()
    LLAMA = Llama()
    GPT_NEOX = GptNeox()
    QWEN3 = Qwen3()
    GEMMA = Gemma()
    MIXTRAL = Mixtral()
    QWEN3_MOE = Qwen3Moe()
    GEMMA3_TEXT = Gemma3Text()
    OPT = Opt()
    GPTJ = GptJ()
    FALCON = Falcon()
    BLOOM = Bloom()


DEFAULT_FAMILY = Family.LLAMA
"""The family of a manifest that names none."""


def find_family(model_type: object) -> ModelFamily | None:
    """The family with this `model_type` in `transformers`; None where it is not in the table."""
    return next((each.definition for each in Family if each.value == model_type), None)
