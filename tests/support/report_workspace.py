"""A small workspace of a run that has ended, and that run."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from support.local_run import small_spec
from support.passes import NOW

from llmtrain_api.cost import CapacityCost, CapacityType, Cost, Ledger, StageCost
from llmtrain_api.data_report import Amount, DataReport, Example, StepReport
from llmtrain_api.goodput import Activity, Goodput, Interval, Seconds
from llmtrain_api.manifest import parse_job
from llmtrain_api.results import EvaluationReport, GateResult, Generation
from llmtrain_api.stages import Stage
from llmtrain_api.status import EvaluationResult, JobStatus, Phase
from llmtrain_api.workspace import Workspace
from llmtrain_cli.report.sources import Run
from llmtrain_operator.core.timestamps import write_time

SCRIPT = "<script>alert(1)</script>"


def finished_run(folder: Path) -> tuple[Workspace, Run]:
    """Both: the workspace in a new folder, and the run."""
    folder.mkdir()
    return write_finished_run(folder), run()


def run(phase: Phase = Phase.SUCCEEDED) -> Run:
    """A run with a bill, in which some work was lost."""
    document = {
        "apiVersion": "llmtrain.io/v1alpha1",
        "kind": "LLMTrainingJob",
        "metadata": {"name": "small"},
        "spec": small_spec(),
    }
    status = JobStatus(phase=phase, goodput=_goodput(NOW), cost=_cost(NOW))
    return Run(parse_job(document), status)


def _goodput(now: datetime) -> Goodput:
    start, end = now.replace(hour=11), now
    whole = Seconds(provisioning=30, start_up=300, productive=2800, lost_work=350, other=120)
    interval = Interval(
        activity=Activity.WORKING,
        stage=Stage.PRETRAIN,
        attempt=0,
        start=write_time(start),
        end=write_time(end),
        seconds=whole,
    )
    return Goodput(
        observed_time=write_time(end),
        seconds=whole,
        runtime_ratio=0.78,
        end_to_end_ratio=0.77,
        intervals=(interval,),
    )


def _cost(now: datetime) -> Cost:
    usd = Decimal("12.34")
    return Cost(
        observed_time=write_time(now),
        spent_usd=usd,
        usd_per_hour=Decimal(0),
        by_stage=(StageCost(stage=Stage.PRETRAIN, usd=usd),),
        by_capacity_type=(CapacityCost(capacity_type=CapacityType.SPOT, usd=usd),),
        wasted_usd=Decimal("1.2345"),
        ledger=Ledger(),
    )


def write_finished_run(folder: Path) -> Workspace:
    """A finished pretraining, a data report and an evaluation, with markup in every text."""
    workspace = Workspace(folder)
    lines = [f'{{"step": {n}, "loss": {6 - n / 10}, "seconds": 0.5}}\n' for n in range(1, 21)]
    lines.append('{"step": 20, "validationLoss": 4.1, "validationBitsPerByte": 2.2}\n')
    example = Example(source=SCRIPT, rule="minWords", excerpt=SCRIPT)
    step = StepReport(
        name="filter.length",
        came_in=Amount(documents=4321, bytes=90),
        dropped=Amount(documents=1234, bytes=30),
        examples=(example,),
    )
    data = DataReport(sources={}, steps=(step,), train=Amount(), validation=Amount())
    evaluation = EvaluationReport(
        results=(
            EvaluationResult(
                name="bitsPerByte", model="pretrained", value=2.3456, standard_error=0.0123
            ),
        ),
        generations=(Generation(model="pretrained", prompt=SCRIPT, text=SCRIPT),),
        gates=(GateResult(metric="bitsPerByte", value=2.3456, max=2.0, passed=False),),
    )
    for path, text in (
        (workspace.metrics(Stage.PRETRAIN), "".join(lines)),
        (workspace.data_report, data.model_dump_json()),
        (workspace.evaluation_report, evaluation.model_dump_json()),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return workspace
