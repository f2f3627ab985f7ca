"""datatrove's side of `benchmarks/data.py`; it runs in a Python that has datatrove.

It reads a JSON list of texts, and prints for each filter the CPU seconds and the broken rules.
"""

import json
import sys
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.filters.base_filter import BaseFilter

_FILTERS = {
    "gopher": GopherQualityFilter(),
    "gopherRepetition": GopherRepetitionFilter(),
    "fineWeb": FineWebQualityFilter(),
}


def main() -> None:
    """Filter the texts of the file that is named."""
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for each in _FILTERS.values():
        _rule(each, texts[0])  # loads the word tokenizer
    found = {}
    for name, each in _FILTERS.items():
        started = time.process_time()
        rules = [_rule(each, text) for text in texts]
        found[name] = {"seconds": time.process_time() - started, "rules": rules}
    print(json.dumps(found))


def _rule(used: BaseFilter, text: str) -> str | None:
    try:
        outcome = used.filter(Document(text=text, id=""))
    except ZeroDivisionError:
        return "ZeroDivisionError"
    return None if outcome is True else outcome[1]


if __name__ == "__main__":
    main()
