"""The data report that lies in the workspace: what came in, what was dropped, and why."""

from pydantic import Field

from llmtrain_api.base import Record


class Amount(Record):
    """Documents, and the bytes of their UTF-8 text."""

    documents: int = 0
    bytes: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(
            documents=self.documents + other.documents,
            bytes=self.bytes + other.bytes,
        )


class Example(Record):
    """A document that a step dropped or changed."""

    source: str
    rule: str
    """`changed`, or the rule that dropped it: `minWords`, `alphabeticWords`."""
    excerpt: str
    """The start of its text, or the place that was changed."""
    after: str | None = None
    """The same place after a change."""


class StepReport(Record):
    """What one step of the data stage did; `came_in` = `went_out` + `dropped` in documents."""

    name: str
    """The part of the manifest's section data that asks for it: `clean.html`, `filter.quality`;
    `filter.length` is for minWords and maxWords."""
    came_in: Amount = Amount()
    went_out: Amount = Amount()
    """In bytes: after the step's changes."""
    dropped: Amount = Amount()
    """In bytes: before the step's changes."""
    changed_documents: int = 0
    dropped_by_rule: dict[str, int] = Field(default_factory=dict)
    """Documents by the rule that dropped them."""
    examples: tuple[Example, ...] = ()
    """The first few documents that were dropped or changed."""


class DataReport(Record):
    """What became of all documents."""

    sources: dict[str, Amount]
    """What each source gave."""
    steps: tuple[StepReport, ...]
    """In the order in which they ran; each takes in what the one before let out."""
    train: Amount
    validation: Amount
