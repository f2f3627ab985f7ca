"""Steps that drop what came before."""

from typing import ClassVar

from llmtrain_api.spec.step_sections.base import StepSection


class ExactDedup(StepSection):
    """Removal of documents whose text, apart from white space and case, came before."""

    compares_documents: ClassVar[bool] = True
