"""Raw text in, clean and split documents out."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api.base import (
    BesideKinds,
    Name,
    OneOf,
    Path,
    Section,
    UsedByNewModel,
    listed,
    rule,
    rules,
    written,
)
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


_Weight = Annotated[float, Field(gt=0, le=1_000_000)]
_Epochs = Annotated[float, Field(gt=0, le=1000)]


class Source(OneOf):
    """Where documents come from: exactly one kind, and perhaps its share of pretraining."""

    python_docs: PythonDocs | None = None
    files: Files | None = None
    hugging_face: HuggingFace | None = None
    weight: Annotated[_Weight | None, BesideKinds(), UsedByNewModel()] = None
    """Share of this source in the tokens of pretraining, relative to the weights of the others,
    which need one too: 3 and 1 make 75 % and 25 %. Each sequence is then of one source, and the
    shares hold from the first step to the last. Without weights all sources are shuffled as one,
    each by its size."""
    max_epochs: Annotated[_Epochs | None, BesideKinds(), UsedByNewModel()] = None
    """Number of times that pretraining may go through the tokens of this source, beside `weight`.
    Once it has, its share goes to the other sources, by their weights. The same text teaches almost
    as much as new text for about 4 epochs (Muennighoff et al. 2023)."""

    @property
    def max_bad_rows(self) -> int:
        """Rows that may be skipped."""
        chosen = self.files or self.hugging_face
        return chosen.max_bad_rows if chosen else 0


_ALL_WEIGHTS = "give every source a weight, or none"
_TWO_SOURCES = "weight is relative to other sources, and there is one: remove it"
_CAP_ALONE = "maxEpochs needs weight: without weights all sources have the same number of epochs"


class Data(Section):
    """Raw text in, clean and split documents out."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("self.sources.all(s, !has(s.maxEpochs) || has(s.weight))", _CAP_ALONE),
            rule(
                "self.sources.all(s, has(s.weight)) || self.sources.all(s, !has(s.weight))",
                _ALL_WEIGHTS,
            ),
            rule(
                "self.sources.size() > 1 || self.sources.all(s, !has(s.weight))",
                _TWO_SOURCES,
            ),
        )
    )

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

    @property
    def has_weights(self) -> bool:
        """Whether the sources are mixed by weights."""
        return any(source.weight is not None for source in self.sources)

    def documents_json(self) -> str:
        """The fields that decide the documents, as JSON: weights and epochs are of pretraining.

        Without None: a kind of step that is new in llmtrain leaves the text as it was.
        """
        of_training = {"sources": {"__all__": {"weight", "max_epochs"}}}
        return self.model_dump_json(exclude_none=True, exclude=of_training)

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        missing = [n for n, source in enumerate(self.sources) if source.weight is None]
        for number, source in enumerate(self.sources):
            if source.max_epochs is not None and source.weight is None:
                raise ValueError(f"sources[{number}]: {_CAP_ALONE}")
        if missing and len(missing) < len(self.sources):
            raise ValueError(f"sources[{missing[0]}] has no weight: {_ALL_WEIGHTS}")
        if len(self.sources) == 1 and not missing:
            raise ValueError(_TWO_SOURCES)
        return self
