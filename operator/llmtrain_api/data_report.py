"""The data report that lies in the workspace: what came in, what was dropped, and why."""

from pydantic import Field

from llmtrain_api.base import Record


class Size(Record):
    """Documents, and the bytes of their UTF-8 text."""

    documents: int = 0
    bytes: int = 0

    def __add__(self, other: "Size") -> "Size":
        """Both together."""
        return Size(
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
    """What one step of the data stage did; `received` = `kept` + `dropped` in documents."""

    name: str
    """The step's kind in `data.steps`, such as `gopher`; the second of a kind is `gopher-2`."""
    received: Size = Size()
    kept: Size = Size()
    """In bytes: after the step's changes."""
    dropped: Size = Size()
    """In bytes: before the step's changes."""
    changed_documents: int = 0
    dropped_by_rule: dict[str, int] = Field(default_factory=dict)
    """Documents by the rule that dropped them."""
    examples: tuple[Example, ...] = ()
    """The first few documents that were dropped or changed."""


class ScriptReport(Record):
    """The documents in one script."""

    received: int = 0
    kept: int = 0
    """Let through by all steps but those that compare documents, such as `exactDedup`."""


class SourceReport(Record):
    """What became of the documents of one source of the manifest."""

    name: str
    """Its kind and what it names: `files raw/*.jsonl (jsonl)`."""
    received: Size = Size()
    dropped_by_rule: dict[str, int] = Field(default_factory=dict)
    """Documents by step and rule: `gopher minWords`."""
    changed_by_step: dict[str, int] = Field(default_factory=dict)
    """Documents that a step changed and let through."""
    scripts: dict[str, ScriptReport] = Field(default_factory=dict)
    """By the script of most of a document's letters: `Latin`, `Cjk`, `Arabic`; `None` has none."""
    bad_rows: int = 0
    """Rows that hold no text and were skipped, up to the source's `maxBadRows`."""
    bad_row_examples: tuple[str, ...] = ()
    """File, line and fault of the first few."""


class DataReport(Record):
    """What became of all documents."""

    sources: dict[str, Size]
    """What each file gave, or each source that is not of files."""
    by_source: tuple[SourceReport, ...] = ()
    """In the order of the manifest."""
    steps: tuple[StepReport, ...]
    """In the order in which they ran; each takes in what the one before let out."""
    train: Size
    validation: Size
