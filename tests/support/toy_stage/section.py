"""The section of the toy stage, as a newcomer would add it to `llmtrain_api/spec`."""

from typing import Annotated

from pydantic import Field

from llmtrain_api.base import MayChange, Section


class Toy(Section):
    """A stage that writes a word some times."""

    word: Annotated[str, Field(max_length=64)]
    """The word that is written."""
    times: int = Field(3, ge=1, le=100)
    """Number of lines that hold the word."""
    color: Annotated[str, Field(max_length=64), MayChange()] = "blue"
    """Color of the pencil, which changes nothing."""
