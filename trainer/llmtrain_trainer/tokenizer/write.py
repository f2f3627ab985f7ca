"""Writes the token files of both splits."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from llmtrain_api.progress import bounded_warnings
from llmtrain_trainer.control_tokens import end_of_text_id
from llmtrain_trainer.data.documents import DocumentFile, document_files
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.files import sha256
from llmtrain_trainer.parallel import map_in_order
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.encode import EncodedUnit, Encoder, TokenUnit, encode_unit
from llmtrain_trainer.tokens.files import TokenIndex, documents_file, smallest_dtype, tokens_file
from llmtrain_trainer.units import neighbours, unit_bytes

_TOKENIZER_FILE = "tokenizer.json"
_SPLITS = ("train", "validation")


def tokenizer_sha256(folder: Path) -> str:
    """SHA-256 of a folder's `tokenizer.json`; empty where there is none."""
    path = folder / _TOKENIZER_FILE
    return sha256(path) if path.is_file() else ""


def write_token_files(
    folder: Path, home: Path, context: StageContext, *, from_percent: float
) -> list[tuple[TokenUnit, EncodedUnit]]:
    """Write the documents as tokens, in the documents' order.

    Args:
        folder: where `train/` and `validation/` are made.
        home: where finished units are.
        context: its workspace holds the documents and the tokenizer.
        from_percent: the stage's progress before.

    Returns:
        All units, with their reports.

    Raises:
        UserError: the tokenizer has no token that ends a text.
        Interrupted: a stop was requested.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(context.workspace.tokenizer, trust_remote_code=False)
    end_of_text = end_of_text_id(tokenizer)
    unknown = tokenizer.unk_token_id
    encoder = Encoder(
        tokenizer_file=context.workspace.tokenizer / _TOKENIZER_FILE,
        tokenizer_sha256=tokenizer_sha256(context.workspace.tokenizer),
        end_of_text_id=end_of_text,
        # Some tokenizers use one token for both.
        unknown_id=None if unknown == end_of_text else unknown,
        dtype=smallest_dtype(len(tokenizer)),
    )
    units, num_bytes = _units(context.workspace.documents)
    work = partial(encode_unit, encoder=encoder, home=home)
    reports: list[EncodedUnit] = []
    for report in map_in_order(units, work, num_bytes=num_bytes):
        reports.append(report)
        if context.stop.is_set():
            raise Interrupted("stopped while writing tokens; it goes on with the parts that remain")
        context.progress.update(
            percent=from_percent + (100 - from_percent) * len(reports) / len(units),
            activity=f"writing tokens (part {len(reports)} of {len(units)})",
        )
    for split in _SPLITS:
        (folder / split).mkdir()
        shards = []
        for unit, report in zip(units, reports, strict=True):
            if unit.split == split:
                shards.append(report.shard.replace(source=unit.source))
                for name in (tokens_file(unit.number), documents_file(unit.number)):
                    (home / unit.name / name).rename(folder / split / name)
        TokenIndex(
            dtype=encoder.dtype,
            vocabulary_size=len(tokenizer),
            end_of_text_id=end_of_text,
            tokenizer=encoder.tokenizer_sha256,
            shards=tuple(shards),
        ).write(folder / split)
    context.progress.update(warnings=bounded_warnings(_warnings(reports)))
    return list(zip(units, reports, strict=True))


def _units(documents: Path) -> tuple[list[TokenUnit], int]:
    """All units, those of a split together and in order, and their bytes."""
    files = {split: document_files(documents / split) for split in _SPLITS}
    num_bytes = sum(file.num_bytes for split in _SPLITS for file in files[split])
    units = [
        TokenUnit(split, number, source, group)
        for split in _SPLITS
        for number, (source, group) in enumerate(_groups(files[split], unit_bytes(num_bytes)))
    ]
    return units, num_bytes


def _groups(
    files: Sequence[DocumentFile], num_bytes: int
) -> Iterator[tuple[int | None, tuple[DocumentFile, ...]]]:
    """Neighbouring files of one source with this many bytes together, and that source."""
    for source, those in groupby(files, lambda file: file.source):
        for group, _ in neighbours(((file, file.num_bytes) for file in those), num_bytes):
            yield source, group


def _warnings(reports: Sequence[EncodedUnit]) -> Iterator[str]:
    """Warnings about the token files."""
    num_unknown = sum(report.num_unknown for report in reports)
    if num_unknown:
        num_tokens = sum(report.shard.num_tokens for report in reports)
        yield (
            f"{num_unknown:,} of {num_tokens:,} tokens stand for text that the "
            "vocabulary cannot write, which is lost; tokenizer.algorithm: bpe and unigram "
            "write any text"
        )
