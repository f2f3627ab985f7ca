"""A rank's time, by bucket."""

import itertools

from llmtrain_trainer.training.measurements import Stopwatch


def _watch() -> Stopwatch:
    """Each look at the clock takes a second."""
    ticks = itertools.count()
    return Stopwatch(clock=lambda: float(next(ticks)))


def test_every_second_is_in_one_bucket() -> None:
    watch = _watch()  # 0
    watch.switch_to("other")  # 1
    with watch.measure("productive"), watch.measure("data_wait"):  # 2, 3
        pass  # 4, 5
    work = watch.work  # 6
    assert (work.start_up, work.other, work.data_wait) == (1, 2, 1)
    assert (work.productive, work.uncommitted) == (2, 2)
    assert work.total == 6


def test_what_a_checkpoint_holds_is_not_lost() -> None:
    watch = _watch()
    with watch.measure("productive"):
        pass
    with watch.measure("checkpoint_save"):
        pass
    snapshot = watch.productive_seconds
    with watch.measure("productive"):
        pass
    assert watch.work.uncommitted == 2
    watch.commit(snapshot)
    work = watch.work
    assert (work.productive, work.uncommitted, work.checkpoint_save) == (2, 1, 1)
