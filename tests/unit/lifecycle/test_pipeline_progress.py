"""The percentage that a person watches: it grows, and it ends at 100."""

from itertools import pairwise

from support.job_harness import JobHarness

from llmtrain_api.stages import Stage
from llmtrain_api.status import Phase, Progress, StageState


def _progress(harness: JobHarness) -> Progress:
    assert harness.status.progress is not None
    return harness.status.progress


def test_progress_grows_over_the_pipeline_to_100() -> None:
    harness = JobHarness()
    seen = []
    for _ in harness.job.spec.stages:
        harness.start()
        seen.append(_progress(harness).percent)
        for percent in (50, 100):
            harness.reconcile(progress=harness.report(percent))
            seen.append(_progress(harness).percent)
        last_report = harness.report(100)
        harness.end()
        harness.reconcile(progress=last_report)
        seen.append(_progress(harness).percent)
        harness.submission = None
    harness.reconcile()
    seen.append(_progress(harness).percent)
    assert seen[0] == 0
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[-1] == 100


def test_a_report_of_the_attempt_is_shown() -> None:
    harness = JobHarness("data", "tokenizer", "model", "pretrain", "export")
    for _ in range(2):
        harness.start()
        harness.end()
        harness.reconcile()
    harness.start()
    report = harness.report(
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
    harness.reconcile(progress=report)
    assert _progress(harness) == Progress(
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
    harness = JobHarness("export")
    harness.start()
    harness.reconcile(progress=harness.report(70, attempt=5))
    assert _progress(harness).stage_percent == 0


def test_progress_stays_while_no_report_can_be_read() -> None:
    harness = JobHarness("export")
    harness.start()
    harness.reconcile(progress=harness.report(70, eta_seconds=60))
    shown = _progress(harness)
    harness.reconcile()
    assert _progress(harness) == shown


def test_progress_stays_but_promises_nothing_while_the_next_attempt_is_awaited() -> None:
    harness = JobHarness("export")
    harness.start()
    report = harness.report(
        70, step=7, loss=2.5, eta_seconds=60, tokens_per_second=800, mfu=0.3, activity="training"
    )
    harness.reconcile(progress=report)
    harness.end(4)
    harness.reconcile()
    assert harness.stage.state is StageState.PENDING
    progress = _progress(harness)
    assert (progress.stage_percent, progress.step, progress.loss) == (70, 7, 2.5)
    assert (progress.activity, progress.tokens_per_second, progress.eta_seconds) == (None,) * 3
    assert progress.mfu is None


def test_training_that_is_to_go_on_is_where_it_was_until_its_first_step() -> None:
    harness = JobHarness("finetune")
    harness.start()
    harness.reconcile(progress=harness.report(70, step=7, total_steps=10, checkpoint_step=6))
    harness.end(4)
    harness.reconcile()
    harness.submission = None
    harness.start()
    harness.reconcile(progress=harness.report(0, activity="restoring the checkpoint of step 6"))
    shown = _progress(harness)
    assert (shown.stage_percent, shown.checkpoint_step, shown.total_steps) == (70, 6, 10)
    harness.reconcile(progress=harness.report(60, step=7, total_steps=10))
    assert (_progress(harness).stage_percent, _progress(harness).checkpoint_step) == (60, 6)


def test_links_are_shown_until_they_are_measured_again() -> None:
    """A warm worker group measures them once, and goes on with other attempts and stages."""
    harness = JobHarness("finetune", "export")
    harness.start()
    links = {"bus_bandwidth": 4e10, "slowest_link_bandwidth": 3e9}
    place = {"slowest_rank": 3, "slowest_node": "node-7"}
    harness.reconcile(progress=harness.report(50, **links, **place))
    assert _links(harness) == {**links, **place}
    harness.reconcile(progress=harness.report(60))
    assert _links(harness) == {**links, **place}
    harness.reconcile(progress=harness.report(70, **links))
    assert _links(harness) == links
    for _ in range(2):
        last_report = harness.report(100)
        harness.end()
        harness.reconcile(progress=last_report)
        harness.submission = None
        harness.reconcile()
        assert _links(harness) == links
        if harness.status.phase.active:
            harness.start()
    assert harness.status.phase is Phase.SUCCEEDED


def _links(harness: JobHarness) -> dict[str, object]:
    fields = {"bus_bandwidth", "slowest_link_bandwidth", "slowest_rank", "slowest_node"}
    return _progress(harness).model_dump(include=fields, by_alias=False, exclude_none=True)


def test_a_long_activity_does_not_break_the_status() -> None:
    harness = JobHarness("export")
    harness.start()
    harness.reconcile(progress=harness.report(activity="a" * 1000))
    assert len(_progress(harness).activity or "") == 256
