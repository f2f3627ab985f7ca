"""Raw text in, clean and split documents out."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api.base import Name, OneOf, Path, Section, listed, rule, rules, written
from llmtrain_api.spec.augmentation import Augmentations
from llmtrain_api.spec.object_storage import PathOrUrl
from llmtrain_api.spec.steps import DEFAULT_STEPS, Steps


class FileFormat(StrEnum):
    """How the documents lie in a file."""

    JSONL = "jsonl"
    TEXT = "text"
    PARQUET = "parquet"
    HTML = "html"
    CSV = "csv"
    WARC = "warc"
    WET = "wet"


Template = Annotated[
    str,
    StringConstraints(
        min_length=3,
        max_length=4096,
        pattern=r"^([^{}]|\{\{|\}\})*\{[^{}]+\}([^{}]|\{\{|\}\}|\{[^{}]+\})*$",
    ),
    written('a text with names of fields in braces, such as "{title}: {text}"'),
]
_TEXT_FIELD = "text"

MaxBadRows = Annotated[int, Field(ge=0, le=1_000_000)]
"""Rows of a source that may be skipped."""


_ROWS = (FileFormat.JSONL, FileFormat.PARQUET, FileFormat.CSV)
_NO_FIELDS = f"template: files of the formats other than {listed(_ROWS, 'and')} have no fields"
_BESIDE = "template names the fields, so leave out textField"


class PythonDocs(Section):
    """The Python interpreter's own documentation: about 2 MB of English on every machine.

    These are the docstrings of the standard library and the language reference's topics.
    """


class Files(Section):
    """Files on a disk or in object storage, plain or compressed (`.gz`, `.zst`)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!has(self.template) || self.format in {[kind.value for kind in _ROWS]}",
                _NO_FIELDS,
            ),
            rule(f"!has(self.template) || self.textField == '{_TEXT_FIELD}'", _BESIDE),
        )
    )

    paths: Annotated[tuple[PathOrUrl, ...], Field(min_length=1, max_length=256)]
    """Files or globs (`raw/*.jsonl.zst`, `raw/**/*.txt`), or URLs of them:
    `s3://BUCKET/raw/*.jsonl`, `gs://`, `az://CONTAINER/`, `hf://datasets/OWNER/NAME/`, and
    `https://HOST/FILE` without globs. Credentials come from the job's environment."""
    format: FileFormat
    """`jsonl`, `parquet` and `csv` hold a document a row, `text` and `html` a document a file,
    `warc` a page a record (answers with HTML and the status 200), `wet` a text a record. CSV is
    that of RFC 4180: commas, double quotes, and a first line that names the columns. The text is
    always taken out of `html` and `warc`, in the charset that the page or its server declares; to
    learn markup, read `html` as `text`. All others are UTF-8. A row, record or file of more than
    64 MiB, unpacked, is no document."""
    text_field: Name = _TEXT_FIELD
    """The field of a row that holds the text, as UTF-8; `meta.text` is the field `text` inside the
    field `meta`."""
    template: Template | None = None
    """Text with names of fields in braces, which joins several in place of `textField`:
    `"{title}\\n\\n{meta.body}"`. A brace that is meant is written twice. A row without one of the
    fields is a bad row."""
    max_bad_rows: MaxBadRows = 0
    """Rows, or files of the formats `text` and `html`, that may be skipped because they hold no
    text: broken JSON, a missing field, bytes of another charset, more than 64 MiB. They are counted
    in the data report and shown; one more ends the stage with its file, line and fault. What is no
    page in a WARC file is counted apart, without a limit; so is a file of records that is torn,
    whose rest is lost."""

    @model_validator(mode="after")
    def _template_fits(self) -> Self:
        if self.template is not None and self.format not in _ROWS:
            raise ValueError(_NO_FIELDS)
        if self.template is not None and self.text_field != _TEXT_FIELD:
            raise ValueError(_BESIDE)
        return self


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
    augment: Augmentations | None = None
    """Ways in which changed copies of the training documents are made, once all steps have been
    applied and the held-out documents are set apart. The copies are trained on beside the documents
    themselves. A kind may be listed several times."""
