"""What the next attempt makes of the size that the last one was at."""

from pathlib import Path

import pytest

from llmtrain_trainer.micro_batch.remembered import MicroBatch, read, size_after, write

LAST = MicroBatch(key="a", size=16, found=True, attempt=2, kernel_kills=5)
NEXT = MicroBatch(key="a", size=1, found=False, attempt=3, kernel_kills=5)


@pytest.mark.parametrize(
    ("last", "now", "out_of_memory", "size"),
    [
        (None, NEXT, False, None),
        (None, NEXT, True, None),
        (LAST, NEXT, False, 16),
        (LAST, NEXT, True, 8),
        (LAST, NEXT.replace(kernel_kills=6), False, 8),
        # A new Pod has a new control group, which nothing was killed in.
        (LAST, NEXT.replace(kernel_kills=0), False, 16),
        # Another model, sequence length, number of ranks or device.
        (LAST, NEXT.replace(key="b"), True, None),
        # Halved already, by this attempt itself.
        (LAST.replace(attempt=3, size=8), NEXT, True, 8),
        # The attempt ended in the middle of the search.
        (LAST.replace(found=False), NEXT, False, None),
        (LAST.replace(found=False), NEXT, True, 8),
        (LAST.replace(size=1), NEXT, True, 1),
    ],
)
def test_the_next_attempt(
    *, last: MicroBatch | None, now: MicroBatch, out_of_memory: bool, size: int | None
) -> None:
    assert size_after(last, now, [1, 2, 4, 8, 16], out_of_memory=out_of_memory) == size


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "micro-batches" / "pretrain.json"
    assert read(path) is None
    write(path, LAST)
    assert read(path) == LAST
    path.write_text("{}")
    assert read(path) is None
