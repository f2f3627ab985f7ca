"""Text for benchmarks of the data stage, as much as one wants.

Documents are sentences of Python's documentation in random order; a tenth of them came before.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from llmtrain_trainer.data.sources.python_docs import harvest

_SHORTEST_SENTENCE = 40
_SENTENCES = (5, 60)
_SHARE_REPEATED = 0.1


def write_text(folder: Path, num_bytes: int) -> None:
    """Write a file of JSON lines, `text.jsonl`, always the same one.

    Args:
        folder: is made.
        num_bytes: text, about.
    """
    folder.mkdir(parents=True)
    left = num_bytes
    with (folder / "text.jsonl").open("w") as file:
        for text in documents():
            file.write(json.dumps({"text": text}) + "\n")
            left -= len(text.encode())
            if left <= 0:
                return


def documents() -> Iterator[str]:
    """Documents without end."""
    pieces = (piece.strip() for entry in harvest() for piece in entry.text.split("."))
    sentences = [f"{piece}." for piece in pieces if len(piece) >= _SHORTEST_SENTENCE]
    generator = np.random.default_rng(0)
    before = [""]
    while True:
        if generator.random() < _SHARE_REPEATED:
            yield before[generator.integers(len(before))]
            continue
        chosen = generator.integers(len(sentences), size=generator.integers(*_SENTENCES))
        text = " ".join(sentences[number] for number in chosen)
        before = [*before[-999:], text]
        yield text
