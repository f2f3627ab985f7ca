"""A small workspace of a run that has ended, that run, and one that goes on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from support.local_run import small_spec

from llmtrain_api.contamination import ContaminationExample, TaskContamination, TextKind
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
from llmtrain_api.data_report import (
    AugmentationReport,
    Cluster,
    Clusters,
    ClusterSizes,
    DataReport,
    Example,
    GroupReport,
    IdentityReport,
    IdentityTerm,
    Kept,
    Misspelling,
    Misspellings,
    RepeatedLine,
    RepeatedLines,
    ScoredExample,
    Size,
    SourceReport,
    StepReport,
)
from llmtrain_api.goodput import Activity, Goodput, Interval, Seconds, WorkSeconds
from llmtrain_api.histogram import Histogram
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.records import EvaluationReport, GateResult, Generation
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import EvaluationResult, JobStatus, Phase
from llmtrain_api.tokenizer_report import Compression, SourceTokens, TokenizerReport
from llmtrain_api.workspace import Workspace
from llmtrain_cli.report.sources import Run
from llmtrain_lifecycle.status_text import write_time

_START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"


def finished_run(folder: Path) -> tuple[Workspace, Run]:
    """Both: the workspace in a new folder, and the run."""
    folder.mkdir()
    return write_finished_run(folder), run()


def run(phase: Phase = Phase.SUCCEEDED) -> Run:
    """A run with a bill, in which some work was lost."""
    return Run(_job(), JobStatus(phase=phase, goodput=_goodput(), cost=_cost()))


def long_run() -> Run:
    """One that goes on, for so long that its status holds its newest stretches alone."""
    now = _START + timedelta(hours=50)
    earlier = Seconds(queued=7200, productive=133_200, lost_work=3600)
    current = Interval(
        activity=Activity.WORKING,
        stage=Stage.PRETRAIN,
        attempt=70,
        start=write_time(now - timedelta(hours=10)),
        work=WorkSeconds(start_up=4000, productive=32_000),
    )
    goodput = Goodput(
        observed_time=write_time(now),
        seconds=earlier.plus(Seconds(start_up=4000, productive=32_000)),
        runtime_ratio=0.956,
        end_to_end_ratio=0.918,
        intervals=(current,),
        earlier=earlier,
    )
    at_work = OpenPods(
        uids=tuple(f"pod-{number}" for number in range(4)),
        group=StageGroup.TRAINERS,
        start=write_time(now - timedelta(hours=10)),
        usd_per_hour=Decimal("12.29"),
        capacity_type=CapacityType.SPOT,
        source=PriceSource.NODE,
    )
    before, since = _cost(), Decimal("491.60")
    training = before.by_stage[1].usd + since
    cost = before.replace(
        observed_time=write_time(now),
        spent_usd=before.spent_usd + since,
        by_stage=(before.by_stage[0], StageCost(stage=Stage.PRETRAIN, usd=training)),
        by_capacity_type=(
            before.by_capacity_type[0],
            CapacityCost(capacity_type=CapacityType.SPOT, usd=training),
        ),
        forecast_usd=Decimal("700.00"),
        ledger=before.ledger.replace(open=(at_work,)),
    )
    return Run(_job(), JobStatus(phase=Phase.RUNNING, goodput=goodput, cost=cost))


def _job() -> LLMTrainingJob:
    return parse_job(
        {
            "apiVersion": "llmtrain.io/v1alpha1",
            "kind": "LLMTrainingJob",
            "metadata": {"name": "small"},
            "spec": small_spec(),
        }
    )


def _goodput() -> Goodput:
    """An hour: it waits, works on its documents, and trains in two attempts."""
    stretches: tuple[tuple[Stage | None, int | None, Seconds], ...] = (
        (None, None, Seconds(queued=180)),
        (None, None, Seconds(provisioning=120)),
        (Stage.DATA, 0, Seconds(start_up=20, productive=280)),
        (Stage.PRETRAIN, 0, Seconds(start_up=130, productive=600, data_wait=20, lost_work=350)),
        (None, None, Seconds(other=120)),
        (
            Stage.PRETRAIN,
            1,
            Seconds(start_up=150, restore=30, productive=1400, checkpoint_save=120, evaluation=80),
        ),
    )
    intervals, time, whole = [], _START, Seconds()
    for stage, attempt, seconds in stretches:
        end = time + timedelta(seconds=seconds.total)
        intervals.append(
            Interval(
                activity=Activity.WORKING if stage else Activity.WAITING,
                stage=stage,
                attempt=attempt,
                start=write_time(time),
                end=write_time(end),
                seconds=seconds,
            )
        )
        time, whole = end, whole.plus(seconds)
    return Goodput(
        observed_time=write_time(time),
        seconds=whole,
        runtime_ratio=0.67,
        end_to_end_ratio=0.63,
        intervals=tuple(intervals),
    )


def _cost() -> Cost:
    """Spot machines that train, and on-demand ones for the documents."""
    data, training = Decimal("0.34"), Decimal("12.00")
    of_data = ClosedCost(
        stage=Stage.DATA, capacity_type=CapacityType.ON_DEMAND, usd=data, pod_seconds=1224
    )
    of_training = ClosedCost(
        stage=Stage.PRETRAIN, capacity_type=CapacityType.SPOT, usd=training, pod_seconds=14_400
    )
    return Cost(
        observed_time=write_time(_START + timedelta(hours=1)),
        spent_usd=data + training,
        usd_per_hour=Decimal(0),
        by_stage=(
            StageCost(stage=Stage.DATA, usd=data),
            StageCost(stage=Stage.PRETRAIN, usd=training),
        ),
        by_capacity_type=(
            CapacityCost(capacity_type=CapacityType.ON_DEMAND, usd=data),
            CapacityCost(capacity_type=CapacityType.SPOT, usd=training),
        ),
        wasted_usd=Decimal("1.2345"),
        ledger=Ledger(closed=(of_data, of_training)),
    )


def write_finished_run(folder: Path) -> Workspace:
    """A finished pretraining, a data report and an evaluation, with markup in every text."""
    workspace = Workspace(folder)
    line = '{{"step": {}, "loss": {}, "seconds": 0.5, "microBatchSize": 16}}\n'
    lines = [line.format(n, 6 - n / 10) for n in range(1, 21)]
    lines.append('{"step": 20, "validationLoss": 4.1, "validationBitsPerByte": 2.2}\n')
    example = Example(source=SCRIPT, rule="minWords", excerpt=SCRIPT)
    step = StepReport(
        name="gopher",
        received=Size(documents=4321, bytes=90),
        dropped=Size(documents=1234, bytes=30),
        examples=(example,),
        scores=Histogram.even([0.31, 0.33, 0.97], 0.05),
    )
    alike = Cluster(documents=1765, source=SCRIPT, excerpt=SCRIPT, others=(SCRIPT,))
    sizes = ClusterSizes(smallest=1025, largest=2048, clusters=1, documents=1765)
    kept = Kept(source=SCRIPT, excerpt=SCRIPT, similarity=0.916)
    near = StepReport(
        name="nearDedup",
        received=Size(documents=3087, bytes=60),
        dropped=Size(documents=1764, bytes=30),
        examples=(Example(source="a.jsonl", rule="nearRepeated", excerpt="text", kept=kept),),
        clusters=Clusters(sizes=(sizes,), largest=(alike,)),
    )
    frequent = RepeatedLine(documents=1618, source=SCRIPT, excerpt=SCRIPT)
    repeated = StepReport(
        name="lineDedup",
        received=Size(documents=1323, bytes=30),
        lines=RepeatedLines(lines=6180, bytes=33_988, most_frequent=(frequent,)),
    )
    scored = StepReport(
        name="classifier",
        received=Size(documents=1323, bytes=30),
        scores=Histogram.even([0.76, 0.77], 0.05),
        scored=(ScoredExample(score=0.7612, source=SCRIPT, excerpt=SCRIPT),),
    )
    misspelling = Misspelling(word=SCRIPT, correct="receive", occurrences=1605)
    spelling = StepReport(
        name="spelling",
        misspellings=Misspellings(
            words=271, occurrences=8281, corrected=False, most_frequent=(misspelling,)
        ),
    )
    source = SourceReport(
        name=f"files {SCRIPT} (jsonl)",
        received=Size(documents=4321, bytes=90),
        dropped_by_rule={"gopher minWords": 1234},
        kept=Size(documents=1323, bytes=27),
        scripts={"Latin": GroupReport(received=4321, kept=3087)},
        labels={"language": {SCRIPT: GroupReport(received=4321, kept=3087)}},
        lengths=Histogram.doubling([0, 1, 700, 1023]),
        bad_rows=17,
    )
    copies = AugmentationReport(
        name="randomSwap",
        chosen=Size(documents=3080, bytes=60),
        copies=Size(documents=3074, bytes=59),
        left_by_rule={"unchanged": 6},
        examples=(Example(source=SCRIPT, rule="changed", excerpt=SCRIPT, after=SCRIPT),),
    )
    women = IdentityTerm(kind="gender", group="women", sentences=1810, negative_sentences=181)
    identity = IdentityReport(
        documents=2718,
        sentences=31_415,
        negative_sentences=926,
        terms=(women,),
        pronouns={"he": 1732, "she": 1414, "they": 2236},
    )
    data = DataReport(
        sources={},
        by_source=(source,),
        steps=(step, near, repeated, scored, spelling),
        identity=identity,
        train=Size(),
        validation=Size(),
        augmentation=(copies,),
    )
    evaluation = EvaluationReport(
        results=(
            EvaluationResult(
                name="bitsPerByte", model="pretrained", value=2.3456, standard_error=0.0123
            ),
        ),
        generations=(Generation(model="pretrained", prompt=SCRIPT, text=SCRIPT),),
        gates=(GateResult(metric="bitsPerByte", value=2.3456, max=2.0, passed=False),),
    )
    held_out = Compression(
        name=SCRIPT, text=Size(documents=4, bytes=4200), tokens=1000, compared_tokens=2000
    )
    tokenizer = TokenizerReport(
        vocabulary_size=2048,
        sources=(SourceTokens(name=SCRIPT, sample=Size(documents=90, bytes=56_789)),),
        compared_with=SCRIPT,
        compared_vocabulary_size=50_257,
        total=held_out,
        by_source=(held_out,),
        by_script=(held_out,),
    )
    contamination = TaskContamination(
        task="quiz",
        kind=TextKind.CONVERSATIONS,
        questions=2718,
        unsearchable=0,
        texts=2817,
        found=("0" * 16,) * 281,
        digest="",
        removed=True,
        examples=(ContaminationExample(source=SCRIPT, excerpt=SCRIPT),),
    )
    evaluation = evaluation.replace(contamination=(contamination,))
    for path, text in (
        (workspace.tokenizer_report, tokenizer.model_dump_json()),
        (workspace.metrics(Stage.PRETRAIN), "".join(lines)),
        (workspace.data_report, data.model_dump_json()),
        (workspace.evaluation_report, evaluation.model_dump_json()),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return workspace
