"""The data report in the workspace: documents read and dropped, with reasons."""

from pydantic import Field

from llmtrain_api.base import Record
from llmtrain_api.contamination import TaskContamination
from llmtrain_api.histogram import Histogram


class Size(Record):
    """Documents, and the bytes of their UTF-8 text."""

    documents: int = 0
    bytes: int = 0

    def __add__(self, other: "Size") -> "Size":
        """The sum of both."""
        return Size(
            documents=self.documents + other.documents,
            bytes=self.bytes + other.bytes,
        )


class Kept(Record):
    """A document that stays in the place of one that is like it."""

    source: str
    excerpt: str
    """The place where the two begin to differ."""
    similarity: float
    """Estimated share of sequences of words that both have: 1 means all."""


class Example(Record):
    """A document that a step dropped or changed."""

    source: str
    rule: str
    """Rule that dropped the document, such as `minWords`, or `changed`."""
    excerpt: str
    """Start of its text, or the place of the change, or of the difference from the document that is
    kept."""
    after: str | None = None
    """The same place after a change."""
    kept: Kept | None = None
    """The document that stays in its place, where the step `nearDedup` dropped it."""


class ClusterSizes(Record):
    """Clusters of documents that are like each other, of sizes in a range."""

    smallest: int
    """Documents in a cluster, those that stay included."""
    largest: int
    clusters: int
    documents: int
    """Documents in all of them."""


class Cluster(Record):
    """Documents that are like each other; the first stays."""

    documents: int
    source: str
    """Source of the document that stays."""
    excerpt: str
    """Start of its text."""
    others: tuple[str, ...] = ()
    """Starts of a few of the others."""


class Clusters(Record):
    """The documents that a step found to be like others."""

    sizes: tuple[ClusterSizes, ...] = ()
    """Histogram of the clusters' sizes; each range has twice the width of the one before."""
    largest: tuple[Cluster, ...] = ()
    """The few largest clusters."""


class RepeatedLine(Record):
    """A line or paragraph that stands in several documents; the first one keeps it."""

    documents: int
    source: str
    """Source of the document that keeps it."""
    excerpt: str


class RepeatedLines(Record):
    """The lines or paragraphs that a step took out because they came before."""

    lines: int
    """All that were taken out of documents, those that were dropped for it included."""
    bytes: int
    """Bytes of their UTF-8 text."""
    most_frequent: tuple[RepeatedLine, ...] = ()
    """The few that stand in the most documents."""


class ScoredExample(Record):
    """A document with the score that a step gave it."""

    score: float
    source: str
    excerpt: str


class Misspelling(Record):
    """A misspelled word."""

    word: str
    correct: str
    """The word that it is one letter away from."""
    occurrences: int


class Misspellings(Record):
    """Misspelled words of all documents."""

    words: int
    """Different ones."""
    occurrences: int
    corrected: bool
    """Whether the step wrote the correct words in their place."""
    most_frequent: tuple[Misspelling, ...] = ()


class Findings(Record):
    """What a step that compares documents found in all of them together."""

    clusters: Clusters | None = None
    """Clusters of the step `nearDedup`."""
    lines: RepeatedLines | None = None
    """Lines or paragraphs of the step `lineDedup`."""
    scores: Histogram = Histogram()
    """Documents that the step received, by the score that it gave them."""
    scored: tuple[ScoredExample, ...] = ()
    """The first document in each bin of the step `classifier`, from low to high scores."""
    misspellings: Misspellings | None = None
    """Words of the step `spelling`."""


class StepReport(Findings):
    """What one step of the data stage did; `received` = `kept` + `dropped` in documents."""

    name: str
    """The step's kind in `data.steps`, such as `gopher`; the second of a kind is `gopher-2`."""
    received: Size = Size()
    kept: Size = Size()
    """Documents after the step; bytes include its changes."""
    dropped: Size = Size()
    """Documents that the step dropped; bytes as before the step."""
    changed_documents: int = 0
    dropped_by_rule: dict[str, int] = Field(default_factory=dict)
    """Documents by the rule that dropped them."""
    replaced_by_kind: dict[str, int] = Field(default_factory=dict)
    """Placeholders that the step has written, by what stood there, such as `email`."""
    examples: tuple[Example, ...] = ()
    """The first few documents that each rule dropped, and that the step changed."""


class GroupReport(Record):
    """Documents that have something in common: a script, a language."""

    received: int = 0
    passed: int = 0
    """Documents that the steps let through which look at one document."""
    kept: int = 0
    """Documents after all steps, those that compare documents included."""

    def __add__(self, other: "GroupReport") -> "GroupReport":
        """The sum of both."""
        return GroupReport(
            received=self.received + other.received,
            passed=self.passed + other.passed,
            kept=self.kept + other.kept,
        )


class Skipped(Record):
    """Parts of a source that hold no document by their kind, such as images in an archive."""

    count: int
    example: str
    """The place of the first, and what it is."""

    def plus(self, count: int) -> "Skipped":
        """With more of the same kind."""
        return self.replace(count=self.count + count)


class SourceReport(Record):
    """Report on one source of the manifest."""

    name: str
    """Kind and names of the source: `files raw/*.jsonl (jsonl)`."""
    received: Size = Size()
    kept: Size = Size()
    """Documents after all steps, for training and validation."""
    dropped_by_rule: dict[str, int] = Field(default_factory=dict)
    """Documents by step and rule: `gopher minWords`."""
    changed_by_step: dict[str, int] = Field(default_factory=dict)
    """Documents that a step changed and let through."""
    scripts: dict[str, GroupReport] = Field(default_factory=dict)
    """Documents by the script of most letters: `Latin`, `Cjk`, `Arabic`; `None` without letters."""
    labels: dict[str, dict[str, GroupReport]] = Field(default_factory=dict)
    """Documents by what a step took them for, by the step's name: `language` has codes."""
    lengths: Histogram = Histogram()
    """Documents by the bytes of their UTF-8 text, as they were read."""
    bad_rows: int = 0
    """Rows that hold no text and were skipped, up to the source's `maxBadRows`."""
    bad_row_examples: tuple[str, ...] = ()
    """File, line and error of the first few."""
    skipped: dict[str, Skipped] = Field(default_factory=dict)
    """Records of archives that are no pages, by their kind: `status`, `notHtml`, `brokenHttp`,
    `tooLarge`; `cutOff` counts files that end in the middle of a record."""


class AugmentationReport(Record):
    """The copies of training documents that one way has made."""

    name: str
    """The way's kind in `data.augment`, such as `randomSwap`; the second of a kind is
    `randomSwap-2`."""
    chosen: Size = Size()
    """Documents of which copies were to be made."""
    copies: Size = Size()
    """Copies that were written."""
    left_by_rule: dict[str, int] = Field(default_factory=dict)
    """Copies that were not written, by the reason: `unchanged`, where there was nothing to change,
    `repeated`, where another copy is the same, `notEnglish`, `tooLong`."""
    examples: tuple[Example, ...] = ()
    """The first few documents, and their copies."""


class IdentityTerm(Record):
    """English sentences that name a group of people."""

    kind: str
    """What distinguishes the group: `gender`, `religion`, `origin` and others."""
    group: str
    sentences: int
    negative_sentences: int
    """Those that hold a word of ill will, blame or harm as well."""


class IdentityReport(Record):
    """How English documents that stay speak of people, in a sample of about 20,000.

    The lists of words are in `llmtrain_trainer/data/identity/terms.py`. The figures compare groups
    with each other and with all sentences; they say nothing about a single sentence.
    """

    documents: int
    """English documents of the sample."""
    sentences: int
    negative_sentences: int
    terms: tuple[IdentityTerm, ...] = ()
    """Groups that are named, in the order of the lists."""
    pronouns: dict[str, int] = Field(default_factory=dict)
    """Occurrences of `he`, `she` and `they`, in all their forms."""


class DataReport(Record):
    """Report on all documents."""

    sources: dict[str, Size]
    """Documents of each file, or of each source without files. With more than a thousand of them
    the first are named, and the rest are `(others)`."""
    by_source: tuple[SourceReport, ...] = ()
    """Sources in the order of the manifest."""
    steps: tuple[StepReport, ...]
    """Steps in the order in which they ran; each receives the documents that the previous one
    kept."""
    contamination: tuple[TaskContamination, ...] = ()
    """Evaluation questions in the documents, by task; empty where they are not searched."""
    identity: IdentityReport | None = None
    """How the documents speak of people; None where none is English."""
    train: Size
    """Documents to train on, without copies of them."""
    validation: Size
    kept_lengths: Histogram = Histogram()
    """Documents of both splits by the bytes of their UTF-8 text."""
    augmentation: tuple[AugmentationReport, ...] = ()
    """Copies of training documents, by the ways of `data.augment`."""

    @property
    def copies(self) -> Size:
        """All copies of training documents."""
        return sum((each.copies for each in self.augmentation), Size())


class DataPreview(Record):
    """The data report on the first documents of each source, and what its rules mean."""

    report: DataReport
    reasons: dict[str, str]
    """Descriptions of dropped documents, by step and rule: `gopher minWords`."""
    warnings: tuple[str, ...] = ()
    """What the data stage would warn of."""
