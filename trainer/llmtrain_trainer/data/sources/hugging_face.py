"""The source `huggingFace`: a data set of the hub, or a local folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_api.spec.data import HuggingFace
from llmtrain_trainer.data.readers.hub import load_dataset
from llmtrain_trainer.data.readers.rows import BadRows, TextOfRow, column_of
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from datasets import Dataset

_ROWS_IN_A_UNIT = 10_000


@dataclass(frozen=True)
class HuggingFaceShard:
    """A range of rows; the data set itself travels as the paths of its files."""

    dataset: "Dataset"
    start: int
    stop: int
    size: int
    """Bytes of its rows in memory, about."""
    text_field: str
    source: str
    identity: str
    is_html: bool = False

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """A document for each row."""
        rows = self.dataset.select(range(self.start, self.stop))
        placed = ((f"{self.source}: row {n}", row) for n, row in enumerate(rows, start=self.start))
        return bad_rows.usable(placed, TextOfRow(self.text_field))


def hugging_face_shards(section: HuggingFace, context: StageContext) -> list[HuggingFaceShard]:
    """Ranges of the data set's rows.

    Raises:
        UserError: the data set cannot be found or loaded, or lacks the text field.
    """
    dataset = load_dataset(
        section.path,
        section.subset,
        section.split,
        inputs=Path(context.config.inputs),
        cache=context.workspace.hugging_face_cache,
    )
    column = column_of(dataset.column_names, section.text_field)
    if column is None:
        raise UserError(
            f"huggingFace {section.path}: no column {section.text_field!r}; "
            f"the columns are: {', '.join(dataset.column_names)}; set textField to one of them",
            reason="InvalidData",
        )
    texts = dataset.select_columns([column])
    identity = f"{section.model_dump_json()} {len(texts)} {_state_of_files(texts)}"
    starts = range(0, max(len(texts), 1), _ROWS_IN_A_UNIT)
    return [
        HuggingFaceShard(
            dataset=texts,
            start=start,
            stop=min(start + _ROWS_IN_A_UNIT, len(texts)),
            size=texts.data.nbytes // len(starts),
            text_field=section.text_field,
            source=f"huggingFace:{section.path}",
            identity=f"{identity} {start}",
        )
        for start in starts
    ]


def _state_of_files(dataset: "Dataset") -> str:
    files = sorted(Path(file["filename"]) for file in dataset.cache_files)
    return " ".join(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)
