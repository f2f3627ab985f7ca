"""Supervised fine-tuning on conversations."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import Name, Path, Section, rule, rules
from llmtrain_api.spec.data import MaxBadRows, OneOf
from llmtrain_api.spec.training import Checkpoint, Optimizer, Precision, Zero


class ChatPythonDocs(Section):
    """Questions and answers made from the Python interpreter's own documentation.

    "What does os.path.join do?" is answered by the first lines of its docstring.
    """


class ChatFiles(Section):
    """JSON lines (plain, `.gz`, `.zst`), a conversation in each."""

    paths: Annotated[tuple[Path, ...], Field(min_length=1, max_length=256)]
    """Files or globs."""
    messages_field: Name = "messages"
    """The field that holds the list of `{role, content}`; `chat.turns` is the field `turns` inside
    the field `chat`. Rows without `messages` may hold `conversations` (a list of `{from, value}`,
    as ShareGPT), `prompt` and `completion`, or `instruction`, `input` and `output` (as Alpaca)."""
    max_bad_rows: MaxBadRows = 0
    """Rows of all files together that may be skipped because they hold no conversation. They are
    counted and shown; one more ends the stage with its file, line and fault."""


class ChatHuggingFace(Section):
    """A chat data set of the Hugging Face hub, or a local folder saved by `datasets`."""

    path: Path
    """Name on the hub, or a folder."""
    subset: Name | None = None
    """The data set's configuration, where it has several."""
    split: Name = "train"
    """The split to read."""
    messages_field: Name = "messages"
    """The column that holds the list of `{role, content}`; the other forms of `files` are known
    too."""
    max_bad_rows: MaxBadRows = 0
    """Rows that may be skipped because they hold no conversation. They are counted and shown; one
    more ends the stage with its number and fault."""


class ChatSource(OneOf):
    """Where conversations come from; exactly one kind."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.pythonDocs), has(self.files), has(self.huggingFace)]"
                ".filter(x, x).size() == 1",
                "set exactly one of pythonDocs, files or huggingFace",
            )
        )
    )

    kinds: ClassVar[str] = "pythonDocs, files or huggingFace"
    python_docs: ChatPythonDocs | None = None
    files: ChatFiles | None = None
    hugging_face: ChatHuggingFace | None = None


class ChatData(Section):
    """The conversations to learn from."""

    sources: Annotated[tuple[ChatSource, ...], Field(min_length=1, max_length=64)]
    """Where conversations come from."""
    validation_fraction: float = Field(0.02, gt=0, lt=0.5)
    """Share of conversations that are held out for validation, chosen by a hash of their text, the
    same share of each frequent answer. Exact repeats are on one side."""
    validation_sources: Annotated[tuple[ChatSource, ...], Field(max_length=64)] = ()
    """Conversations for validation. With them nothing is held out from `sources`, and
    `validationFraction` is not used; conversations of `sources` that are also here are not
    trained on."""


class ChatTemplate(StrEnum):
    """How a conversation is written as text."""

    CHATML = "chatml"


class Method(StrEnum):
    """Which weights learn."""

    FULL = "full"
    LORA = "lora"


class Lora(Section):
    """Low-rank adapters on every linear layer of the blocks (Hu et al. 2021)."""

    rank: int = Field(16, ge=1, le=1024)
    """Columns of an adapter's first matrix, rows of its second."""
    alpha: int = Field(32, ge=1, le=4096)
    """The adapters' output is scaled by alpha / rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout of what goes into the adapters."""


class FinetuneOptimizer(Optimizer):
    """AdamW with the smaller steps of fine-tuning."""

    learning_rate: float = Field(2e-5, gt=0, le=1)
    """The peak."""
    weight_decay: float = Field(0.0, ge=0, le=1)
    """Applied to matrices only, not to biases and norms."""


class Finetune(Section):
    """Fine-tuning: loss on the assistant's tokens only."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.batchTokens % self.sequenceLength == 0",
                "batchTokens must be a multiple of sequenceLength",
            ),
            rule("!has(self.lora) || self.method == 'lora'", "lora needs method: lora"),
        )
    )

    data: ChatData
    chat_template: ChatTemplate = ChatTemplate.CHATML
    """Used where the tokenizer brings none."""
    method: Method = Method.FULL
    lora: Lora | None = None
    """The adapters' sizes; with method: lora."""
    epochs: int = Field(2, ge=1, le=1000)
    """Passes over the conversations."""
    packing: bool = True
    """Fill a sequence with several conversations; none attends to another."""
    sequence_length: int = Field(1024, ge=8, le=1_048_576)
    """Tokens of a sequence, no more than the model's context; a longer conversation is cut."""
    batch_tokens: int = Field(65_536, ge=8, le=1_000_000_000)
    """Tokens of an optimizer step over all workers, padding included."""
    micro_batch_size: int | None = Field(None, ge=1, le=65536)
    """Sequences of one forward pass on a worker; by default as many as divide its share of the
    batch, 8 at most."""
    optimizer: FinetuneOptimizer = FinetuneOptimizer()
    precision: Precision = Precision.BF16
    zero: Zero = Zero()
    activation_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more compute."""
    checkpoint: Checkpoint = Checkpoint()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.batch_tokens % self.sequence_length:
            raise ValueError(
                "batchTokens must be a multiple of sequenceLength; "
                f"{self.batch_tokens} is not one of {self.sequence_length}"
            )
        if self.lora is not None and self.method is not Method.LORA:
            raise ValueError("lora needs method: lora")
        return self
