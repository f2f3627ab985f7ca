"""The intervals of a job's life, without gaps and overlaps."""

from datetime import UTC, datetime

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.goodput import INTERVALS_MAX_ITEMS, Activity, Goodput, Interval, Seconds
from llmtrain_api.progress import ProgressReport
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_lifecycle.goodput import End, buckets_of, current_interval, ratios, seconds_until
from llmtrain_lifecycle.snapshot import Snapshot
from llmtrain_lifecycle.status_text import read_time, write_time

_NO_ROOM = {"Queued", "Unschedulable"}


def with_transition(
    before: JobStatus, after: JobStatus, snapshot: Snapshot, uid: str, now: datetime
) -> Goodput:
    """The timeline after a reconcile, with the driver's report and a new interval if one began.

    Args:
        before: status before the reconcile.
        after: decided status.
        snapshot: snapshot of the reconcile.
        uid: UID of the job.
        now: current time.
    """
    goodput = before.goodput
    earlier = goodput.earlier if goodput else Seconds()
    current = current_interval(goodput)
    ended = goodput.intervals if goodput else ()
    if current is not None:
        ended = ended[:-1]
    if goodput is None:
        current = Interval(activity=Activity.QUEUED, start=write_time(snapshot.created or now))
    elif current is None and not after.phase.terminal:
        # An ended job whose user has started it again.
        current = Interval(activity=Activity.WAITING, start=goodput.observed_time)
    if current is not None:
        outcome = _outcome(current, before, snapshot)
        current = _with_report(current, snapshot.progress, outcome, uid)
        following = _following(after, write_time(max(now, read_time(current.start))))
        if following is None or not _is_same(current, following):
            closed = _closed(current, after, outcome, now)
            # A job's only interval stays, however short it was.
            is_only = following is None and not ended
            if is_only or closed.end != closed.start:
                ended = (*ended, closed)
            current = following
    for interval in ended[: 1 - INTERVALS_MAX_ITEMS]:
        earlier = earlier.plus(interval.seconds or Seconds())
    kept = ended[1 - INTERVALS_MAX_ITEMS :]
    return _summed(kept, current, earlier, now)


def broken_off(goodput: Goodput | None) -> Goodput | None:
    """The timeline of a job whose process died, with its compute.

    The open interval ends at its last sighting, and the job has waited since.
    """
    current = current_interval(goodput)
    if goodput is None or current is None or current.activity is Activity.SUSPENDED:
        return goodput
    end = read_time(goodput.observed_time)
    closed = _ended(current, end, End.LOST)
    waiting = Interval(activity=Activity.WAITING, start=goodput.observed_time)
    return goodput.replace(intervals=(*goodput.intervals[:-1], closed, waiting))


def _outcome(interval: Interval, before: JobStatus, snapshot: Snapshot) -> Outcome | None:
    """The outcome of an interval's attempt."""
    if interval.stage is None:
        return None
    attempt = before.stage(interval.stage).run.live_attempt
    submission = snapshot.submission(attempt.submission_id) if attempt else None
    return submission.outcome if submission else None


def _with_report(
    interval: Interval,
    report: ProgressReport | None,
    outcome: Outcome | None,
    uid: str,
) -> Interval:
    """The interval with its driver's newest report."""
    if outcome is not None and outcome.work is not None:
        return interval.replace(work=outcome.work)
    if report is None or interval.stage is None or interval.attempt is None:
        return interval
    if not report.is_of(uid, interval.stage, interval.attempt):
        return interval
    start = interval.driver_start
    if report.start_time is not None:
        start = write_time(datetime.fromtimestamp(report.start_time, UTC))
    return interval.replace(work=report.work, driver_start=start)


def _following(after: JobStatus, start: str) -> Interval | None:
    """The next interval; None if the job has ended."""
    if after.phase.terminal:
        return None
    for stage in after.stages:
        if (attempt := stage.run.live_attempt) is not None:
            return Interval(
                activity=Activity.WORKING, start=start, stage=stage.name, attempt=attempt.number
            )
    return Interval(activity=_idle_activity(after), start=start)


def _idle_activity(after: JobStatus) -> Activity:
    if after.phase is Phase.SUSPENDED:
        return Activity.SUSPENDED
    reasons = {condition.reason for condition in after.conditions}
    if reasons & _NO_ROOM:
        return Activity.QUEUED
    cluster = after.cluster
    if cluster is not None and not cluster.released and cluster.waiting_since is not None:
        return Activity.PROVISIONING
    return Activity.WAITING


def _is_same(current: Interval, following: Interval) -> bool:
    return (current.activity, current.stage, current.attempt) == (
        following.activity,
        following.stage,
        following.attempt,
    )


def _closed(
    interval: Interval, after: JobStatus, outcome: Outcome | None, now: datetime
) -> Interval:
    """The interval at its end, to the second."""
    end = max(now, read_time(interval.start)).replace(microsecond=0)
    how = End.TOLD if outcome is not None and outcome.work is not None else End.LOST
    if interval.stage and after.stage(interval.stage).state is StageState.SUCCEEDED:
        how = End.SUCCEEDED
    return _ended(interval, end, how)


def _ended(interval: Interval, end: datetime, how: End) -> Interval:
    seconds = buckets_of(interval, end, how)
    return interval.replace(end=write_time(end), seconds=seconds, work=None, driver_start=None)


def _summed(
    ended: tuple[Interval, ...], current: Interval | None, earlier: Seconds, now: datetime
) -> Goodput:
    intervals = ended if current is None else (*ended, current)
    until = now if current is not None or not ended else read_time(ended[-1].end or "")
    draft = Goodput(
        observed_time=write_time(until), seconds=Seconds(), intervals=intervals, earlier=earlier
    )
    seconds = seconds_until(draft, until.replace(microsecond=0))
    runtime, end_to_end = ratios(seconds)
    return draft.replace(seconds=seconds, runtime_ratio=runtime, end_to_end_ratio=end_to_end)
