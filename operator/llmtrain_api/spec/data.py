"""Raw text in, clean and split documents out."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from llmtrain_api.base import Name, OneOf, Path, Section
from llmtrain_api.spec.object_storage import PathOrUrl
from llmtrain_api.spec.steps import DEFAULT_STEPS, Steps


class FileFormat(StrEnum):
    """How the documents lie in a file."""

    JSONL = "jsonl"
    TEXT = "text"
    PARQUET = "parquet"
    HTML = "html"


MaxBadRows = Annotated[int, Field(ge=0, le=1_000_000)]
"""Rows of a source that may be skipped."""


class PythonDocs(Section):
    """The Python interpreter's own documentation: about 2 MB of English on every machine.

    These are the docstrings of the standard library and the language reference's topics.
    """


class Files(Section):
    """Files on a disk or in object storage, plain or compressed (`.gz`, `.zst`)."""

    paths: Annotated[tuple[PathOrUrl, ...], Field(min_length=1, max_length=256)]
    """Files or globs (`raw/*.jsonl.zst`, `raw/**/*.txt`), or URLs of them:
    `s3://BUCKET/raw/*.jsonl`, `gs://`, `az://CONTAINER/`, `hf://datasets/OWNER/NAME/`, and
    `https://HOST/FILE` without globs. Credentials come from the job's environment."""
    format: FileFormat
    """`jsonl` and `parquet` hold a document a row, `text` and `html` a document a file. The text is
    always taken out of `html`, in the charset that the page declares; to learn markup, read it as
    `text`. All others are UTF-8."""
    text_field: Name = "text"
    """The field of a row that holds the text, as UTF-8; `meta.text` is the field `text` inside the
    field `meta`."""
    max_bad_rows: MaxBadRows = 0
    """Rows, or files of the formats `text` and `html`, that may be skipped because they hold no
    text: broken JSON, a missing field, bytes of another charset. They are counted in the data
    report and shown; one more ends the stage with its file, line and fault."""


class HuggingFace(Section):
    """A data set of the Hugging Face hub, or a local folder saved by `datasets`."""

    path: Path
    """Name on the hub, or a folder."""
    subset: Name | None = None
    """The data set's configuration, where it has several."""
    split: Name = "train"
    """The split to read."""
    text_field: Name = "text"
    """The column that holds the text, as UTF-8; `meta.text` is the field `text` inside the column
    `meta`."""
    max_bad_rows: MaxBadRows = 0
    """Rows that may be skipped because they hold no text. They are counted in the data report and
    shown; one more ends the stage with its number and fault."""


class Source(OneOf):
    """Where documents come from; exactly one kind."""

    python_docs: PythonDocs | None = None
    files: Files | None = None
    hugging_face: HuggingFace | None = None

    @property
    def max_bad_rows(self) -> int:
        """Rows that may be skipped."""
        chosen = self.files or self.hugging_face
        return chosen.max_bad_rows if chosen else 0


class Data(Section):
    """Raw text in, clean and split documents out."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=64)]
    """Where documents come from. They are read once: `llmtrain run` refuses to go on over files
    that have changed since; in a cluster it takes a new job to read them again."""
    steps: Steps = DEFAULT_STEPS
    """Steps that clean, filter and deduplicate the documents, in this order. Without the list they
    are `html`, `unicode`, `gopher` and `exactDedup`, each with its defaults. A kind may be listed
    several times. Steps that compare documents, such as `exactDedup`, come after all others."""
    validation_fraction: float = Field(0.01, gt=0, lt=0.5)
    """Share of documents held out, chosen by a hash of the text: the same text always falls on
    the same side."""
