"""What a rank says of its speed is what the planner would say of it."""

import pytest
import yaml
from support.repository import ROOT

from llmtrain_api.manifest import parse_job
from llmtrain_api.spec.training import Precision
from llmtrain_planner.plan import PlanOptions, plan_job
from llmtrain_trainer.training.measurements import Speedometer


@pytest.mark.parametrize("mfu", [0.05, 0.4, 0.731])
def test_mfu_is_the_plan_s(mfu: float) -> None:
    job = parse_job(yaml.safe_load((ROOT / "manifests" / "quickstart.yaml").read_text()))
    plan = plan_job(job.spec, PlanOptions(mfu=mfu))
    stage = plan.stages[0]
    assert stage.duration_seconds is not None
    assert stage.steps is not None
    speed = Speedometer(
        stage.batch_tokens,
        flops_per_token=stage.flops_per_token,
        num_ranks=plan.hardware.workers,
        cpus=job.spec.compute.trainers.cpus,
        precision=Precision.FP32,
    )
    for _ in range(20):
        speed.add_step(stage.duration_seconds / stage.steps)
    assert speed.mfu == pytest.approx(mfu, rel=1e-12)
