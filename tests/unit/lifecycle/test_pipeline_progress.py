"""The percentage that a person watches: it grows, and it ends at 100."""

from itertools import pairwise

from support.passes import Passes

from llmtrain_api.stages import Stage
from llmtrain_api.status import Progress, StageState


def _progress(passes: Passes) -> Progress:
    assert passes.status.progress is not None
    return passes.status.progress


def test_progress_grows_over_the_line_to_100() -> None:
    passes = Passes()
    seen = []
    for _ in passes.job.spec.stages:
        passes.start()
        seen.append(_progress(passes).percent)
        for percent in (50, 100):
            passes.make(progress=passes.report(percent))
            seen.append(_progress(passes).percent)
        last_report = passes.report(100)
        passes.end()
        passes.make(progress=last_report)
        seen.append(_progress(passes).percent)
        passes.submission = None
    passes.make()
    seen.append(_progress(passes).percent)
    assert seen[0] == 0
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[-1] == 100


def test_a_report_of_the_attempt_is_shown() -> None:
    passes = Passes("data", "tokenizer", "model", "pretrain", "export")
    for _ in range(2):
        passes.start()
        passes.end()
        passes.make()
    passes.start()
    report = passes.report(
        40,
        step=4,
        total_steps=10,
        tokens=4096,
        loss=2.5,
        tokens_per_second=800,
        eta_seconds=60,
        checkpoint_step=3,
        validation_bits_per_byte=1.5,
    )
    passes.make(progress=report)
    assert _progress(passes) == Progress(
        percent=47.2,  # (5 + 5 + 40% of 60) / (5 + 5 + 60 + 2)
        stage=Stage.PRETRAIN,
        stage_percent=40,
        activity="working",
        step=4,
        total_steps=10,
        tokens=4096,
        loss=2.5,
        validation_bits_per_byte=1.5,
        tokens_per_second=800,
        eta_seconds=60,
        pipeline_eta_seconds=80,  # export starts in 20 s, as long as none has shown how fast it is
        heartbeat_time="2026-01-31T12:00:00Z",
        checkpoint_step=3,
    )


def test_a_report_of_another_attempt_is_ignored() -> None:
    passes = Passes("export")
    passes.start()
    passes.make(progress=passes.report(70, attempt=5))
    assert _progress(passes).stage_percent == 0


def test_progress_stays_while_no_report_can_be_read() -> None:
    passes = Passes("export")
    passes.start()
    passes.make(progress=passes.report(70, eta_seconds=60))
    shown = _progress(passes)
    passes.make()
    assert _progress(passes) == shown


def test_progress_stays_but_promises_nothing_while_the_next_attempt_is_awaited() -> None:
    passes = Passes("export")
    passes.start()
    report = passes.report(
        70, step=7, loss=2.5, eta_seconds=60, tokens_per_second=800, mfu=0.3, activity="training"
    )
    passes.make(progress=report)
    passes.end(4)
    passes.make()
    assert passes.stage.state is StageState.PENDING
    progress = _progress(passes)
    assert (progress.stage_percent, progress.step, progress.loss) == (70, 7, 2.5)
    assert (progress.activity, progress.tokens_per_second, progress.eta_seconds) == (None,) * 3
    assert progress.mfu is None


def test_training_that_is_to_go_on_is_where_it_was_until_its_first_step() -> None:
    passes = Passes("finetune")
    passes.start()
    passes.make(progress=passes.report(70, step=7, total_steps=10, checkpoint_step=6))
    passes.end(4)
    passes.make()
    passes.submission = None
    passes.start()
    passes.make(progress=passes.report(0, activity="restoring the checkpoint of step 6"))
    shown = _progress(passes)
    assert (shown.stage_percent, shown.checkpoint_step, shown.total_steps) == (70, 6, 10)
    passes.make(progress=passes.report(60, step=7, total_steps=10))
    assert (_progress(passes).stage_percent, _progress(passes).checkpoint_step) == (60, 6)


def test_a_long_activity_does_not_break_the_status() -> None:
    passes = Passes("export")
    passes.start()
    passes.make(progress=passes.report(activity="a" * 1000))
    assert len(_progress(passes).activity or "") == 256
