"""What the planner knows about each family of models; a family is one file and one entry here."""

from collections.abc import Mapping

from llmtrain_api.spec.model import Family
from llmtrain_planner.families.base import FamilyArithmetic
from llmtrain_planner.families.gpt2 import Gpt2
from llmtrain_planner.families.llama import Llama

FAMILIES: Mapping[Family, FamilyArithmetic] = {
    Family.GPT2: Gpt2(),
    Family.LLAMA: Llama(),
}


def family_arithmetic(family: Family) -> FamilyArithmetic:
    """The arithmetic of a family."""
    return FAMILIES[family]
