"""The base of the sections of steps."""

from typing import Annotated, ClassVar

from pydantic import Field

from llmtrain_api.base import Section, rule

Share = Annotated[float, Field(ge=0, le=1)]


def in_order(low: str, low_default: float, high: str, high_default: float) -> dict[str, str]:
    """The CEL rule that one field does not exceed another; the server fills in no defaults here."""
    return rule(
        f"(has(self.{low}) ? self.{low} : {low_default})"
        f" <= (has(self.{high}) ? self.{high} : {high_default})",
        f"{low} must not exceed {high}",
    )


class StepSection(Section):
    """The settings of one step."""

    compares_documents: ClassVar[bool] = False
    """Whether the step compares documents; else workers apply it to each one that they read."""
