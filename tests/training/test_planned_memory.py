"""The plan of a stage's memory against what a step of the real engine holds, on each path.

A rank of four is measured, on fake tensors wherever a path does not read numbers from them.
`benchmarks/planned_memory.py` does the same with models of real size.

What cannot be measured on a CPU, because its kernels are of CUDA alone: fp8, compiled blocks,
flash attention of packed documents, and the second bucket of overlapping reductions. Offloading
is measured as the sum of device and host, which are the same memory here.
"""

from typing import Any

import pytest
from support.planned_memory import RANKS, Case, Measured
from support.rank_process import call_as_only_rank

from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.spec.training import Offload

_SHAPE = {"family": "llama", "layers": 2, "hiddenSize": 256, "heads": 4, "dropout": 0.0}
_LONG = {"tokens": 32 * 128, "vocabulary": 512}
"""A forward pass whose activations outweigh the logits."""


def _case(
    *,
    tokens: int = 4 * 128,
    length: int = 128,
    vocabulary: int = 4000,
    model: dict[str, Any] | None = None,
    lora: dict[str, Any] | None = None,
    packed: bool = False,
    **training: object,
) -> Case:
    section: dict[str, Any] = {
        "sequenceLength": length,
        "batchTokens": 2 * RANKS * tokens,
        "microBatchSize": tokens // length,
        "precision": "bf16",
        **training,
    }
    if lora:
        data = {"sources": [{"files": {"paths": ["chats.jsonl"]}}]}
        section |= {"data": data, "method": "lora", "lora": lora}
    kind = Finetune if lora else Pretrain
    return Case(
        model=Model.model_validate(_SHAPE | (model or {})),
        vocabulary_size=vocabulary,
        training=kind.model_validate(section if lora else section | {"tokens": 10**6}),
        packed=packed,
    )


CASES = {
    "fp32, stage 0": _case(precision="fp32", zero={"stage": 0}),
    "stage 0": _case(model={"family": "gpt2"}, zero={"stage": 0}),
    "stage 1": _case(model={"family": "gpt_neox"}, zero={"stage": 1}),
    "stage 2": _case(zero={"stage": 2}),
    "stage 3": _case(zero={"stage": 3}),
    "stage 1, a step larger than its passes": _case(zero={"stage": 1}, tokens=8, length=8),
    "stage 1, optimizer offloaded": _case(zero={"stage": 1, "offload": "optimizer"}),
    "stage 2, optimizer offloaded": _case(zero={"stage": 2, "offload": "optimizer"}),
    "stage 3, parameters offloaded": _case(zero={"stage": 3, "offload": "parameters"}),
    "LoRA": _case(lora={"rank": 16}, zero={"stage": 1}),
    "packed documents": _case(packed=True, zero={"stage": 1}),
    "padded vocabulary": _case(vocabulary=9001, model={"hiddenSize": 64}, zero={"stage": 1}),
    "selective": _case(activationCheckpointing="selective", zero={"stage": 1}, **_LONG),
    "full": _case(activationCheckpointing="full", zero={"stage": 1}, **_LONG),
    "offload": _case(activationCheckpointing="offload", zero={"stage": 1}, **_LONG),
    "full, stage 0": _case(activationCheckpointing="full", zero={"stage": 0}, **_LONG),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Measured]:
    cases = [case.model_dump(mode="json", by_alias=True) for case in CASES.values()]
    folder = tmp_path_factory.mktemp("planned")
    found = call_as_only_rank("support.planned_memory:measure", cases, folder)
    return dict(zip(CASES, map(Measured.model_validate, found), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_a_step_holds_what_the_plan_says(measured: dict[str, Measured], name: str) -> None:
    plan = CASES[name].planned()
    planned = plan.total_bytes - plan.overhead_bytes + plan.host_bytes
    assert planned == pytest.approx(measured[name].step, rel=0.1)


@pytest.mark.parametrize("name", CASES)
def test_a_checkpoint_is_written_from_what_the_plan_says(
    measured: dict[str, Measured], name: str
) -> None:
    copy = CASES[name].planned().copy_bytes
    if CASES[name].training.zero.offload is Offload.NONE:
        assert copy == pytest.approx(measured[name].state, rel=0.1)
    else:
        assert copy == 0  # what is offloaded is not copied
