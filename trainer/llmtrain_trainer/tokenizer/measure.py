"""Measures how many bytes of held-out text a token has, by source and script."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llmtrain_api.data_report import Size
from llmtrain_api.tokenizer_report import Compression
from llmtrain_trainer.control_tokens import TextTokenizer
from llmtrain_trainer.data.report import size_of
from llmtrain_trainer.data.scripts import main_script
from llmtrain_trainer.tokenizer.sample import SampledGroup

HELD_OUT_BYTES = 16_000_000
"""Held-out text that is measured, about: enough for three digits, in seconds on one core."""


@dataclass
class Measured:
    """Compression of held-out text."""

    total: Compression
    by_source: tuple[Compression, ...]
    by_script: tuple[Compression, ...]


@dataclass
class _Counter:
    """Text of one kind, and its tokens."""

    text: Size = field(default_factory=Size)
    tokens: int = 0
    compared: int = 0

    def add(self, text: str, num_tokens: int, num_compared: int) -> None:
        self.text += size_of(text)
        self.tokens += num_tokens
        self.compared += num_compared


def measure(
    groups: Sequence[SampledGroup],
    tokenizer: TextTokenizer,
    compared: TextTokenizer | None,
    name_of: Callable[[int | None], str],
) -> Measured:
    """Encode held-out documents.

    Args:
        groups: the documents.
        tokenizer: the job's.
        compared: another one to measure as well.
        name_of: gives the name of a source by its position in the manifest.
    """
    total = _Counter()
    sources: dict[str, _Counter] = {}
    scripts: dict[str, _Counter] = {}
    for group in groups:
        texts = group.texts()
        counts = _num_tokens(tokenizer, texts)
        others = [0] * len(texts) if compared is None else _num_tokens(compared, texts)
        source = sources.setdefault(name_of(group.source), _Counter())
        for text, count, other in zip(texts, counts, others, strict=True):
            script = scripts.setdefault(main_script(text), _Counter())
            for counter in (total, source, script):
                counter.add(text, count, other)

    def row(name: str, counter: _Counter) -> Compression:
        return Compression(
            name=name,
            text=counter.text,
            tokens=counter.tokens,
            compared_tokens=None if compared is None else counter.compared,
        )

    order = Counter({script: each.text.bytes for script, each in scripts.items()}).most_common()
    return Measured(
        total=row("all", total),
        by_source=tuple(row(name, counter) for name, counter in sources.items()),
        by_script=tuple(row(script, scripts[script]) for script, _ in order),
    )


def _num_tokens(tokenizer: TextTokenizer, texts: list[str]) -> list[int]:
    return [len(ids) for ids in tokenizer.encode_ids(texts)]
