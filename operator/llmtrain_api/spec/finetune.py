"""Supervised fine-tuning on conversations."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Name, OneOf, Path, Section, rule, rules
from llmtrain_api.spec.data import MaxBadRows
from llmtrain_api.spec.object_storage import PathOrUrl
from llmtrain_api.spec.training import TRAINING_RULES, Lora, Optimizer, Precision, Training


class ChatPythonDocs(Section):
    """Questions and answers made from the Python interpreter's own documentation.

    "What does os.path.join do?" is answered by the first lines of its docstring.
    """


class ChatFiles(Section):
    """Files of JSON lines (plain, `.gz`, `.zst`) with one conversation per line."""

    paths: Annotated[tuple[PathOrUrl, ...], Field(min_length=1, max_length=256)]
    """Files or globs with conversations, such as `chats/*.jsonl`, or URLs of them as in
    `spec.data.sources[].files`."""
    messages_field: Name = "messages"
    """Field that holds the list of `{role, content}`; `chat.turns` is the field `turns` inside the
    field `chat`. Rows without `messages` may hold `conversations` (a list of `{from, value}`, as
    ShareGPT), `prompt` and `completion`, or `instruction`, `input` and `output` (as Alpaca)."""
    max_bad_rows: MaxBadRows = 0
    """Number of rows in all files together that may be skipped because they hold no conversation.
    They are counted and shown; one more ends the stage and names its file, line and fault."""


class ChatHuggingFace(Section):
    """A chat data set of the Hugging Face hub, or a local folder saved by `datasets`."""

    path: Path
    """Name of the data set on the hub, or a folder."""
    subset: Name | None = None
    """Name of the data set's configuration, where it has several."""
    split: Name = "train"
    """Split of the data set to read."""
    messages_field: Name = "messages"
    """Column that holds the list of `{role, content}`; the other forms of `files` are accepted
    too."""
    max_bad_rows: MaxBadRows = 0
    """Number of rows that may be skipped because they hold no conversation. They are counted and
    shown; one more ends the stage and names its number and fault."""


class ChatSource(OneOf):
    """A source of conversations; exactly one kind is set."""

    python_docs: ChatPythonDocs | None = None
    files: ChatFiles | None = None
    hugging_face: ChatHuggingFace | None = None


class ChatData(Section):
    """The conversations to learn from, and those held out for validation."""

    sources: Annotated[tuple[ChatSource, ...], Field(min_length=1, max_length=64)]
    """Sources of the conversations to learn from."""
    validation_fraction: float = Field(0.02, gt=0, lt=0.5)
    """Share of conversations held out for validation, chosen by a hash of their text, the same
    share of each frequent answer. Exact repeats stay on one side."""
    validation_sources: Annotated[tuple[ChatSource, ...], Field(max_length=64)] = ()
    """Sources of conversations for validation. With them nothing is held out from `sources`, and
    `validationFraction` is not used; conversations of `sources` that also occur here are not
    trained on."""


class Method(StrEnum):
    """Choice of the weights that are trained: all of them, or LoRA adapters."""

    FULL = "full"
    LORA = "lora"


class FinetuneOptimizer(Optimizer):
    """AdamW with the smaller steps of fine-tuning."""

    learning_rate: float = Field(2e-5, gt=0, le=1)
    """Peak learning rate, reached at the end of the warmup."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """Weight decay of matrices; biases and norms have none."""


class Finetune(Training):
    """Supervised fine-tuning on conversations, with the loss on the assistant's tokens only."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            *TRAINING_RULES,
            rule("!has(self.lora) || self.method == 'lora'", "lora needs method: lora"),
            rule(
                "self.precision != 'fp8' || self.method != 'lora'",
                "precision fp8 needs method: full",
            ),
            rule(
                "self.parallel.tensor == 1 || self.method == 'full'",
                "parallel.tensor above 1 needs method: full",
            ),
        )
    )

    data: ChatData
    method: Method = Method.FULL
    lora: Lora | None = None
    """Sizes of the LoRA adapters; only with `method: lora`."""
    epochs: int = Field(2, ge=1, le=1000)
    """Number of passes over the conversations."""
    packing: bool = True
    """Whether a sequence is filled with several conversations, none of which attends to another. A
    conversation that is longer than a sequence is cut."""
    optimizer: FinetuneOptimizer = FinetuneOptimizer()

    @model_validator(mode="after")
    def _lora_fits_method(self) -> Self:
        if self.lora is not None and self.method is not Method.LORA:
            raise ValueError("lora needs method: lora")
        if self.precision is Precision.FP8 and self.method is Method.LORA:
            raise ValueError("precision fp8 needs method: full; adapters are too small for it")
        return self

    @property
    def packs_texts(self) -> bool:
        """Whether a sequence holds several conversations."""
        return self.packing

    @property
    def adapters(self) -> Lora | None:
        """The adapters' sizes; None with method: full."""
        return (self.lora or Lora()) if self.method is Method.LORA else None

    def total_tokens(self, parameters: int, counted: int | None) -> int | None:  # noqa: ARG002 - as every `Training`
        """Tokens of all epochs, once the conversations have been counted."""
        return None if counted is None else counted * self.epochs
