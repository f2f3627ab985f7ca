"""The planned memory of models of real size, beside what a step of the engine holds.

PYTHONPATH=tests LOCAL_RANK=0 python benchmarks/planned_memory.py

The tensors are fake ones: shapes without numbers, on a machine of any size. One rank alone trains,
without a GPU, so what lies on device and host is one sum.
"""

from pathlib import Path
from typing import Any

import yaml
from support.planned_memory import Case, measure_here

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.spec.training import ActivationCheckpointing

_MANIFESTS = Path(__file__).parents[1] / "manifests"
_GIB = 2**30
_LONG = {"sequenceLength": 131_072, "microBatchSize": 1, "batchTokens": 2 * 131_072}
_ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gpt2-124m", {"microBatchSize": 16, "batchTokens": 32 * 1024}),
    ("llama-1.3b", {"microBatchSize": 4, "batchTokens": 8 * 2048}),
    ("llama-1.3b", _LONG | {"activationCheckpointing": "full"}),
    ("llama-1.3b", _LONG | {"activationCheckpointing": "offload"}),
)


def main() -> None:
    """Measure each row, and print a table."""
    cases = [_case(name, changes) for name, changes in _ROWS]
    measured = measure_here(cases, 1)
    print(
        f"{'':<12} {'tokens':>8} {'recomputed':>10} {'planned':>8} {'on host':>8} {'measured':>8}"
    )
    for (name, _), case, found in zip(_ROWS, cases, measured, strict=True):
        plan = case.planned(1)
        training = case.training
        assert isinstance(training.micro_batch_size, int)
        tokens = training.micro_batch_size * training.sequence_length
        planned = plan.total_bytes - plan.overhead_bytes + plan.host_bytes
        print(
            f"{name:<12} {tokens:>8,} {training.activation_checkpointing:>10}"
            f" {planned / _GIB:>8.1f} {plan.host_bytes / _GIB:>8.1f} {found.step / _GIB:>8.1f}"
        )


def _case(name: str, changes: dict[str, Any]) -> Case:
    document = yaml.safe_load((_MANIFESTS / f"{name}.yaml").read_text())
    spec = LLMTrainingJob.model_validate(document, by_name=False).spec
    assert spec.pretrain is not None
    assert spec.model is not None
    assert spec.tokenizer is not None
    assert spec.tokenizer.vocabulary_size is not None
    section = spec.pretrain.model_dump(mode="json", by_alias=True, exclude_none=True)
    none = {"activationCheckpointing": ActivationCheckpointing.NONE.value}
    return Case(
        model=spec.model,
        vocabulary_size=spec.tokenizer.vocabulary_size,
        training=Pretrain.model_validate(section | none | changes, by_name=False),
    )


if __name__ == "__main__":
    main()
