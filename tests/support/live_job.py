"""A job in the midst of pretraining on a cluster, with all that a status can hold; and its end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from support.cluster.jobs import full_pipeline_job

from llmtrain_api.cost import (
    CapacityCost,
    CapacityType,
    ClosedCost,
    Cost,
    Ledger,
    OpenPods,
    PriceSource,
    StageCost,
)
from llmtrain_api.goodput import (
    INTERVALS_MAX_ITEMS,
    Activity,
    Goodput,
    Interval,
    Seconds,
    WorkSeconds,
)
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import (
    Attempt,
    ClusterStatus,
    Condition,
    ConditionStatus,
    Failures,
    JobPlan,
    JobStatus,
    Phase,
    PlannedStage,
    Progress,
    StageRun,
    StageState,
    StageStatus,
)
from llmtrain_lifecycle.status_text import write_time

CREATED = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
NUM_ATTEMPTS = INTERVALS_MAX_ITEMS - 1
NOW = CREATED + timedelta(hours=NUM_ATTEMPTS, minutes=30)
"""In the midst of the last attempt; each takes an hour."""
USD_PER_HOUR = Decimal("12.29")
"""Price of each of its Pods."""
_TEN_MINUTES = timedelta(minutes=10)


def live_body(name: str = "live", status: JobStatus | None = None, version: int = 1) -> Any:
    """The job in the form of the API server.

    Args:
        name: name of the job, and its uid.
        status: another than that of a job in pretraining.
        version: version of the resource.
    """
    body = full_pipeline_job(name)
    body["metadata"] |= {
        "namespace": "ml",
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": write_time(CREATED),
    }
    body["spec"]["compute"] = {"trainers": {"replicas": 4, "gpus": 8, "cpus": 8, "memory": "64Gi"}}
    body["spec"]["policy"] = {"queueName": "ml", "budget": {"maxUsd": 10_000}}
    shown = live_status() if status is None else status
    return body | {"status": shown.model_dump(mode="json", exclude_none=True)}


def live_status() -> JobStatus:
    """Pretraining has failed again and again, and is at work now."""
    return JobStatus(
        observed_generation=1,
        phase=Phase.RUNNING,
        conditions=_conditions(),
        start_time=write_time(CREATED),
        active_time=write_time(CREATED),
        stages=_stages(),
        cluster=ClusterStatus(name="live-trainers-0", group=StageGroup.TRAINERS, generation=0),
        progress=_progress(),
        plan=JobPlan(mfu=0.4, stages=(_planned(Stage.PRETRAIN), _planned(Stage.FINETUNE))),
        goodput=_goodput(),
        cost=_cost(),
    )


def _conditions() -> tuple[Condition, ...]:
    reasons = {
        "Running": "StageRunning",
        "Suspended": "StageRunning",
        "WithinBudget": "WithinBudget",
    }
    return tuple(
        Condition(
            type=kind,
            status=ConditionStatus.TRUE,
            reason=reason,
            message="pretrain is running",
            observed_generation=1,
            last_transition_time=write_time(CREATED),
        )
        for kind, reason in reasons.items()
    )


def _stages() -> tuple[StageStatus, ...]:
    states = {Stage.DATA: StageState.SUCCEEDED, Stage.TOKENIZER: StageState.SUCCEEDED}
    running = StageStatus(
        name=Stage.PRETRAIN,
        runs=(
            StageRun(
                state=StageState.RUNNING,
                attempt=Attempt(
                    number=NUM_ATTEMPTS,
                    submission_id="live-pretrain",
                    start_time=write_time(CREATED),
                ),
                reason="WorkerLost",
                failures=Failures(infrastructure=NUM_ATTEMPTS),
            ),
        ),
    )
    return tuple(
        running
        if name is Stage.PRETRAIN
        else StageStatus(name=name, runs=(StageRun(state=states.get(name, StageState.PENDING)),))
        for name in Stage
    )


def _progress() -> Progress:
    return Progress(
        percent=40.0,
        stage=Stage.PRETRAIN,
        stage_percent=50.0,
        activity="training",
        step=500,
        total_steps=1000,
        tokens=2_048_000,
        loss=3.21,
        validation_bits_per_byte=1.23,
        clip_factor=0.5,
        bus_bandwidth=4e10,
        slowest_link_bandwidth=3e10,
        tokens_per_second=12_345.6,
        eta_seconds=3600.0,
        pipeline_eta_seconds=7200.0,
        mfu=0.31,
        heartbeat_time=write_time(NOW),
        checkpoint_step=480,
    )


def _planned(stage: Stage) -> PlannedStage:
    return PlannedStage(
        name=stage, flops_per_token=6_000_000, tokens=4_096_000, duration_seconds=3600.0
    )


def _goodput() -> Goodput:
    hours = [CREATED + timedelta(hours=number) for number in range(NUM_ATTEMPTS + 1)]
    ended = tuple(
        Interval(
            activity=Activity.WORKING,
            stage=Stage.PRETRAIN,
            attempt=number,
            start=write_time(start),
            end=write_time(start + timedelta(hours=1)),
            seconds=Seconds(start_up=60.5, restore=30.25, productive=3009.25, lost_work=500),
        )
        for number, start in enumerate(hours[:-1])
    )
    current = Interval(
        activity=Activity.WORKING,
        stage=Stage.PRETRAIN,
        attempt=NUM_ATTEMPTS,
        start=write_time(hours[-1]),
        driver_start=write_time(hours[-1] + timedelta(seconds=20)),
        work=WorkSeconds(start_up=40, productive=1500, uncommitted=90, data_wait=5),
    )
    return Goodput(observed_time=write_time(NOW), seconds=Seconds(), intervals=(*ended, current))


def _cost() -> Cost:
    """Five Pods that were scheduled ten minutes after one another, and what ended before."""
    pods = tuple(
        OpenPods(
            uids=(f"pod-{number}",),
            group=StageGroup.TRAINERS,
            start=write_time(NOW - number * _TEN_MINUTES),
            usd_per_hour=USD_PER_HOUR,
            capacity_type=CapacityType.SPOT,
            source=PriceSource.NODE,
        )
        for number in range(5)
    )
    closed = tuple(
        ClosedCost(stage=stage, capacity_type=kind, usd=Decimal("1000.5"), pod_seconds=360_000)
        for stage in (Stage.DATA, Stage.PRETRAIN)
        for kind in CapacityType
    )
    return Cost(
        observed_time=write_time(NOW),
        spent_usd=Decimal("4022.48"),
        usd_per_hour=5 * USD_PER_HOUR,
        by_stage=tuple(
            StageCost(stage=stage, usd=Decimal(2001)) for stage in (Stage.DATA, Stage.PRETRAIN)
        ),
        by_capacity_type=tuple(
            CapacityCost(capacity_type=kind, usd=Decimal(2001)) for kind in CapacityType
        ),
        wasted_usd=Decimal("500.25"),
        usd_per_million_tokens=Decimal("0.75"),
        planned_usd=Decimal(3000),
        forecast_usd=Decimal(9000),
        ledger=Ledger(
            closed=closed,
            open=pods,
            wasted_usd=Decimal("500.25"),
            interval_usd=Decimal(4002),
        ),
    )
