"""Raw text in, clean and split documents out."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Name, Path, Section, rule, rules


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
    """Local files, plain or compressed (`.gz`, `.zst`)."""

    paths: Annotated[tuple[Path, ...], Field(min_length=1, max_length=256)]
    """Files or globs (`raw/*.jsonl.zst`, `raw/**/*.txt`)."""
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


class OneOf(Section):
    """A section of which exactly one field is set."""

    kinds: ClassVar[str] = "pythonDocs, files or huggingFace"

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        fields = type(self).model_fields
        chosen = [str(field.alias) for name, field in fields.items() if getattr(self, name)]
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none: one that needs no fields is written {}"
            raise ValueError(f"set exactly one of {self.kinds}; found {found}")
        return self


class Source(OneOf):
    """Where documents come from; exactly one kind."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.pythonDocs), has(self.files), has(self.huggingFace)]"
                ".filter(x, x).size() == 1",
                "set exactly one of pythonDocs, files or huggingFace",
            )
        )
    )

    python_docs: PythonDocs | None = None
    files: Files | None = None
    hugging_face: HuggingFace | None = None

    @property
    def max_bad_rows(self) -> int:
        """Rows that may be skipped."""
        chosen = self.files or self.hugging_face
        return chosen.max_bad_rows if chosen else 0


class Clean(Section):
    """What is repaired in a document."""

    html: bool = True
    """Take the text out of documents that are HTML as a whole, without navigation, scripts and
    styles. Markdown, source code and texts that only hold some HTML are left as they are. The data
    report counts what was changed."""
    unicode: bool = True
    """Repair wrongly decoded text (mojibake) and normalize to NFC."""
    emoji_to_text: bool = False
    """Write emoji as words: 👍 becomes `:thumbs_up:`."""


class Quality(StrEnum):
    """A rule set that drops poor documents."""

    NONE = "none"
    GOPHER = "gopher"


class Filter(Section):
    """Rules by which documents are dropped."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self.minWords <= self.maxWords", "minWords must not exceed maxWords")
        )
    )

    quality: Quality = Quality.GOPHER
    """`gopher`: the rules of Rae et al. 2021, table A1 (word length, symbols, bullets, ellipses,
    alphabetic words, stop words). Stop words are known for 18 languages in Latin script; texts in
    other scripts need none."""
    min_words: int = Field(50, ge=0, le=1_000_000)
    """Documents with fewer words are dropped. In scripts without spaces between words, such as
    Chinese, Japanese and Thai, each letter counts as a word."""
    max_words: int = Field(100_000, ge=1, le=100_000_000)
    """Documents with more words are dropped."""

    @model_validator(mode="after")
    def _some_length_passes(self) -> Self:
        if self.min_words > self.max_words:
            raise ValueError(
                f"minWords must not exceed maxWords; {self.min_words} > {self.max_words}"
            )
        return self


class Dedup(Section):
    """Rules by which repeated documents are dropped."""

    exact: bool = True
    """Drop documents whose text, apart from white space and case, was seen before."""


class Data(Section):
    """Raw text in, clean and split documents out."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=64)]
    """Where documents come from. They are read once: `llmtrain run` refuses to go on over files
    that have changed since; in a cluster it takes a new job to read them again."""
    clean: Clean = Clean()
    filter: Filter = Filter()
    dedup: Dedup = Dedup()
    validation_fraction: float = Field(0.01, gt=0, lt=0.5)
    """Share of documents held out, chosen by a hash of the text: the same text always falls on
    the same side."""
