"""The plan of a job: the manifests' figures, the advice, and what cannot be planned."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmtrain_api.job import JobSpec, LLMTrainingJob
from llmtrain_api.plan import ManifestChange, Plan
from llmtrain_api.stages import Stage
from llmtrain_planner.architecture import PlanError
from llmtrain_planner.plan import PlanOptions, plan_job

MANIFESTS = Path(__file__).parents[3] / "manifests"


def manifest(name: str) -> JobSpec:
    document = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())
    return LLMTrainingJob.model_validate(document).spec


def small_spec() -> dict[str, Any]:
    return {
        "data": {"sources": [{"pythonDocs": {}}]},
        "tokenizer": {"vocabularySize": 1000},
        "model": {"layers": 2, "hiddenSize": 64, "heads": 4},
        "pretrain": {"sequenceLength": 128, "batchTokens": 1024},
    }


def apply(spec: JobSpec, changes: tuple[ManifestChange, ...]) -> JobSpec:
    """The spec after a person followed the advice."""
    document = {"spec": spec.model_dump(mode="json", exclude_unset=True)}
    for change in changes:
        *path, last = change.field.split(".")
        section: dict[str, Any] = document
        for part in path:
            section = section.setdefault(part, {})
        section[last] = change.value
    return JobSpec.model_validate(document["spec"])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gpt2-124m", 124_439_808),
        ("pythia-160m", 162_322_944),
        ("llama-1.3b", 1_364_297_728),
        ("llama-7b", 6_738_415_616),
        ("llama-70b", 68_976_648_192),
    ],
)
def test_the_manifests_have_their_published_sizes_and_fit(name: str, parameters: int) -> None:
    plan = plan_job(manifest(name), PlanOptions())
    assert plan.model is not None
    assert plan.model.parameters == parameters
    assert plan.stages[0].tokens == 20 * parameters
    assert plan.fits


def test_time_and_money_follow_from_flops() -> None:
    plan = plan_job(manifest("llama-7b"), PlanOptions(mfu=0.5, price_usd_per_device_hour=2.0))
    stage = plan.stages[0]
    # By hand: 32,132 steps x 4,194,304 tokens x 4.6085e10 FLOPs on 64 GPUs of 989e12 x 0.5.
    assert stage.steps == 32_132
    assert stage.flops == pytest.approx(6.211e21, rel=1e-3)
    assert plan.duration_seconds == pytest.approx(6.211e21 / (64 * 989e12 * 0.5), rel=1e-3)
    assert plan.cost_usd == pytest.approx(2.0 * 64 * plan.duration_seconds / 3600)


def test_what_is_computed_twice_counts_once_in_the_utilization() -> None:
    for checkpointing, mfu in (("none", 0.4), ("full", 0.3), ("offload", 0.3)):
        spec = resized("llama-7b", {}, {"activationCheckpointing": checkpointing})
        plan = plan_job(spec, PlanOptions(mfu=0.4))
        (stage,) = plan.stages
        assert stage.flops is not None
        assert stage.duration_seconds is not None
        could = stage.duration_seconds * stage.peak_flops * plan.hardware.workers
        assert stage.mfu == pytest.approx(mfu)
        assert stage.flops / could == pytest.approx(mfu)


@pytest.mark.parametrize(
    ("way", "fits"),
    [("none", False), ("selective", False), ("full", True), ("offload", True), ("auto", True)],
)
def test_128k_tokens_of_a_small_llama_fit_one_gpu(*, way: str, fits: bool) -> None:
    spec = resized(
        "llama-1.3b",
        {"replicas": 1, "gpus": 1, "memory": "64Gi"},
        {
            "sequenceLength": 131_072,
            "batchTokens": 8 * 131_072,
            "microBatchSize": 1,
            "activationCheckpointing": way,
        },
    )
    memory = plan_job(spec, PlanOptions(device="a100-80gb")).stages[0].memory
    assert memory.fits is fits
    # The inputs of 24 blocks, 2,048 wide, in bf16.
    assert memory.host_bytes == (24 * 131_072 * 2048 * 2 if way == "offload" else 0)


def test_auto_is_the_first_way_that_fits() -> None:
    spec = resized("llama-1.3b", {}, {"microBatchSize": 8})
    found = {
        device: plan_job(spec, PlanOptions(device=device)).stages[0].memory
        for device in ("h100-sxm", "l40s", "l4")
    }
    ways = {device: memory.activation_checkpointing.value for device, memory in found.items()}
    assert ways == {"h100-sxm": "none", "l40s": "selective", "l4": "full"}
    assert all(memory.fits for memory in found.values())


def test_the_parts_of_memory_add_up() -> None:
    for memory in plan_job(manifest("llama-7b"), PlanOptions()).stages[0].alternatives:
        parts = (
            memory.weights_bytes,
            memory.gradients_bytes,
            memory.optimizer_bytes,
            memory.activations_bytes,
            memory.logits_bytes,
            memory.step_bytes,
            memory.buffers_bytes,
            memory.overhead_bytes,
        )
        assert sum(parts) == memory.total_bytes


def test_without_a_price_there_is_no_cost() -> None:
    plan = plan_job(manifest("gpt2-124m"), PlanOptions())
    assert plan.cost_usd is None
    assert any("price" in note for note in plan.notes)


def resized(name: str, trainers: dict[str, object], pretrain: dict[str, object]) -> JobSpec:
    document = manifest(name).model_dump(mode="json", exclude_unset=True)
    document["compute"]["trainers"] |= trainers
    document["pretrain"] |= pretrain
    return JobSpec.model_validate(document)


@pytest.mark.parametrize(
    ("spec", "device", "changes"),
    [
        # 26.4 GB with stage 2 and full checkpointing; an L4 has 24.2.
        (resized("llama-7b", {}, {"microBatchSize": 4}), "l4", {"pretrain.zero.stage": 3}),
        # Activations of 195 GB: no ZeRO stage shards them, and products are a third of them.
        (
            resized(
                "llama-7b",
                {"replicas": 1},
                {"activationCheckpointing": "none", "microBatchSize": 4},
            ),
            "h100-sxm",
            {"pretrain.activationCheckpointing": "selective"},
        ),
        # The blocks' inputs take 10 GB: no ZeRO stage shards them, and all else is recomputed.
        (
            resized(
                "gpt2-124m",
                {},
                {
                    "microBatchSize": 512,
                    "batchTokens": 8 * 512 * 1024,
                    "activationCheckpointing": "full",
                },
            ),
            "l4",
            {"pretrain.activationCheckpointing": "offload"},
        ),
        # Model states of 91 GB, already sharded over all workers.
        (
            resized("llama-70b", {"replicas": 2}, {}),
            "h100-sxm",
            {"pretrain.zero.offload": "optimizer"},
        ),
        # Offloading needs room on the host: 18 bytes of 69 billion parameters on one machine, and 8
        # of a billion on each of 8 workers while AdamW steps.
        (
            resized("llama-70b", {"replicas": 1, "memory": "64Gi"}, {}),
            "l4",
            {"pretrain.zero.offload": "parameters", "compute.trainers.memory": "1216Gi"},
        ),
    ],
)
def test_the_advice_is_the_smallest_change(
    spec: JobSpec, device: str, changes: dict[str, object]
) -> None:
    found = plan_job(spec, PlanOptions(device=device)).stages[0].changes
    assert {change.field.removeprefix("spec."): change.value for change in found} == changes


@settings(max_examples=60)
@given(
    name=st.sampled_from(["gpt2-124m", "llama-1.3b", "llama-7b", "llama-70b"]),
    device=st.sampled_from(["a10g", "l4", "l40s", "a100-40gb", "h100-sxm"]),
    replicas=st.sampled_from([1, 2, 8]),
    gpus=st.sampled_from([1, 4, 8]),
    stage=st.integers(0, 3),
    checkpointing=st.sampled_from(["auto", "none", "selective", "full", "offload"]),
    micro_batch_size=st.sampled_from(["auto", 1, 2, 4]),
)
def test_the_advice_makes_it_fit(
    *,
    name: str,
    device: str,
    replicas: int,
    gpus: int,
    stage: int,
    checkpointing: str,
    micro_batch_size: int | str,
) -> None:
    assume((stage, checkpointing) != (3, "selective"))  # is refused
    spec = resized(
        name,
        {"replicas": replicas, "gpus": gpus, "memory": "64Gi"},
        {
            "zero": {"stage": stage},
            "activationCheckpointing": checkpointing,
            "microBatchSize": micro_batch_size,
        },
    )
    options = PlanOptions(device=device)
    stage_plan = plan_job(spec, options).stages[0]
    assert stage_plan.memory.fits or stage_plan.changes
    after = plan_job(apply(spec, stage_plan.changes), options).stages[0]
    assert after.memory.fits
    for change in stage_plan.changes:
        others = tuple(other for other in stage_plan.changes if other is not change)
        assert not _fits(apply_or_none(spec, others), options), f"{change} was not needed"


def apply_or_none(spec: JobSpec, changes: tuple[ManifestChange, ...]) -> JobSpec | None:
    try:
        return apply(spec, changes)
    except ValueError:
        return None


def _fits(spec: JobSpec | None, options: PlanOptions) -> bool:
    try:
        return spec is not None and plan_job(spec, options).fits
    except PlanError:
        return False


def test_a_micro_batch_that_is_found_begins_with_the_largest_that_fits() -> None:
    found, named = (
        plan_job(
            resized("gpt2-124m", {"replicas": 1, "gpus": 1}, {"microBatchSize": size}),
            PlanOptions(device="l4"),
        ).stages[0]
        for size in ("auto", 8)
    )
    assert (found.finds_micro_batch_size, named.finds_micro_batch_size) == (True, False)
    assert found.micro_batch_size * found.accumulation_steps == 512
    assert found.memory.fits
    twice = {
        "microBatchSize": 2 * found.micro_batch_size,
        "activationCheckpointing": found.memory.activation_checkpointing.value,
    }
    spec = resized("gpt2-124m", {"gpus": 1}, twice)
    assert not plan_job(spec, PlanOptions(device="l4")).fits


@pytest.mark.parametrize(("gpus", "found"), [(1, True), (0, False)])
def test_a_micro_batch_is_found_on_gpus_where_none_is_named(*, gpus: int, found: bool) -> None:
    spec = resized("gpt2-124m", {"gpus": gpus, "memory": "64Gi"}, {"microBatchSize": None})
    stage = plan_job(spec, PlanOptions()).stages[0]
    assert stage.finds_micro_batch_size is found
    assert found or stage.micro_batch_size == 8


def test_a_cpu_job_counts_the_replicas_memory() -> None:
    document = small_spec()
    document["compute"] = {"trainers": {"replicas": 2, "cpus": 4, "memory": "2Gi"}}
    plan = plan_job(JobSpec.model_validate(document), PlanOptions())
    assert (plan.hardware.device, plan.hardware.workers) == ("cpu", 2)
    assert plan.hardware.memory_bytes == 2 * 2**30
    assert plan.fits


def test_finetune_has_memory_but_no_time_until_its_tokens_are_known() -> None:
    document = small_spec()
    document["finetune"] = {
        "data": {"sources": [{"pythonDocs": {}}]},
        "method": "lora",
        "epochs": 3,
        "batchTokens": 1024,
        "sequenceLength": 128,
    }
    spec = JobSpec.model_validate(document)
    unknown = plan_job(spec, PlanOptions())
    assert unknown.stages[1].duration_seconds is None
    assert unknown.duration_seconds is None
    assert any("--finetune-tokens" in note for note in unknown.notes)
    known = plan_job(spec, PlanOptions(counted_tokens={Stage.FINETUNE: 10_000}))
    assert known.stages[1].tokens == 30_000
    assert known.duration_seconds is not None
    assert known.stages[1].trainable_parameters < known.stages[0].trainable_parameters


def test_a_job_that_trains_nothing_has_an_empty_plan() -> None:
    spec = JobSpec.model_validate({"data": {"sources": [{"pythonDocs": {}}]}})
    plan = plan_job(spec, PlanOptions())
    assert plan.stages == ()
    assert any("trains nothing" in note for note in plan.notes)


def test_a_pretrained_tokenizer_needs_the_size_of_its_vocabulary() -> None:
    document = small_spec() | {"tokenizer": {"pretrained": "some/tokenizer"}}
    spec = JobSpec.model_validate(document)
    with pytest.raises(PlanError, match=r"spec\.model\.vocabularySize, or give --vocabulary-size"):
        plan_job(spec, PlanOptions())
    assert plan_job(spec, PlanOptions(vocabulary_size=500)).stages


def test_hardware_must_be_known_and_meant() -> None:
    with pytest.raises(PlanError, match=r"'h300' is not in the table; it has .*h100-sxm"):
        plan_job(manifest("llama-7b"), PlanOptions(device="h300"))
    with pytest.raises(PlanError, match=r"trainers\.gpus is 0"):
        plan_job(JobSpec.model_validate(small_spec()), PlanOptions(device="h200"))


def test_the_plan_survives_json() -> None:
    plan = plan_job(manifest("llama-7b"), PlanOptions(price_usd_per_device_hour=2.5))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_memory_that_a_checkpoint_needs_beside_training_is_asked_for() -> None:
    """A Llama of 1.3 billion parameters on one GPU: 14 bytes of each are copied."""
    alone = {"replicas": 1, "gpus": 1}
    too_small = resized("llama-1.3b", alone | {"memory": "16Gi"}, {})
    plan = plan_job(too_small, PlanOptions(device="h100-sxm"))
    assert plan.fits
    [note] = [note for note in plan.notes if "waits for each checkpoint" in note]
    assert "19.1 GB on rank 0" in note
    assert "spec.compute.trainers.memory to 19Gi" in note
    enough = resized("llama-1.3b", alone | {"memory": "19Gi"}, {})
    assert not any("checkpoint," in note for note in plan_job(enough, PlanOptions()).notes)


@pytest.mark.parametrize(
    ("gpus", "note"),
    [
        (2, "export.rayService: each GPU needs"),
        (3, "The first stage will refuse export.rayService: gpusPerReplica is 3, which does not"),
    ],
)
def test_the_service_of_the_export_is_planned(gpus: int, note: str) -> None:
    section = {"image": "ray-llm", "gpuMemory": "24Gi", "gpusPerReplica": gpus}
    spec = JobSpec.model_validate(small_spec() | {"export": {"rayService": section}})
    assert plan_job(spec, PlanOptions()).notes[-1].startswith(note)


def test_a_service_is_refused_late_where_the_size_of_the_vocabulary_is_not_in_the_manifest() -> (
    None
):
    section = {"image": "ray-llm", "gpuMemory": "24Gi", "gpusPerReplica": 3}
    spec = small_spec() | {
        "tokenizer": {"pretrained": "someone/tokenizer"},
        "export": {"rayService": section},
    }
    note = plan_job(JobSpec.model_validate(spec), PlanOptions(vocabulary_size=512)).notes[-1]
    assert note.startswith("The export stage will refuse export.rayService: gpusPerReplica is 3")
