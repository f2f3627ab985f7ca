"""The manifest of a service: its mounts, its figures for vLLM, and services that are refused."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from support.later_stage_context import stage_context
from support.ray_service import SECTION, exported_manifest, service_context
from support.tiny_model import save_tiny, tiny_tokenizer

from llmtrain.yaml_reader import read_documents
from llmtrain_api.stages import Stage
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.export.runner import RUNNER

_LINE = {"model": {"layers": 2, "hiddenSize": 16, "heads": 2}, "pretrain": {}}


def test_the_service_loads_the_exported_model_from_the_claim(tmp_path: Path) -> None:
    manifest = exported_manifest(service_context(tmp_path))
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("RayService", "tiny")
    groups = manifest["spec"]["rayClusterConfig"]
    (workers,) = groups["workerGroupSpecs"]
    for group in (groups["headGroupSpec"], workers):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert container["volumeMounts"] == [
            {"name": "workspace", "mountPath": "/model", "subPath": "export", "readOnly": True}
        ]
        assert pod["volumes"][0]["persistentVolumeClaim"] == {
            "claimName": "tiny-workspace",
            "readOnly": True,
        }
    assert workers["replicas"] == 3
    assert container["resources"]["limits"] == {"memory": "16Gi", "nvidia.com/gpu": 2}
    assert pod["nodeSelector"] == {"gpu": "h100"}
    assert pod["tolerations"] == [
        {"key": "gpu", "operator": "Exists"},
        {"key": "team", "value": "a", "operator": "Equal"},
    ]


def test_vllm_gets_the_planned_figures(tmp_path: Path) -> None:
    manifest = exported_manifest(service_context(tmp_path))
    (application,) = yaml.safe_load(manifest["spec"]["serveConfigV2"])["applications"]
    assert application["import_path"] == "ray.serve.llm:build_openai_app"
    (model,) = application["args"]["llm_configs"]
    assert model["model_loading_config"] == {"model_id": "tiny", "model_source": "/model"}
    assert model["engine_kwargs"] == {
        "dtype": "bfloat16",
        "tensor_parallel_size": 2,
        "max_model_len": 64,
        "max_num_seqs": 8,
        "max_num_batched_tokens": 2048,
        "gpu_memory_utilization": 0.9,
    }
    assert model["deployment_config"] == {"num_replicas": 3}


@pytest.mark.filterwarnings("ignore:Using extra keyword arguments on `Field`")  # Ray's own
def test_rays_own_models_take_the_configuration(tmp_path: Path) -> None:
    """Models of the application and of its engine; the second has a public name with vLLM alone."""
    from ray.llm._internal.serve.core.configs.llm_config import LLMConfig
    from ray.serve.schema import ServeDeploySchema

    manifest = exported_manifest(service_context(tmp_path))
    deployed = ServeDeploySchema.model_validate(yaml.safe_load(manifest["spec"]["serveConfigV2"]))
    (application,) = deployed.applications
    (model,) = application.args["llm_configs"]
    assert LLMConfig.model_validate(model).model_id == "tiny"
    with pytest.raises(ValidationError, match="modelId"):
        LLMConfig.model_validate(model | {"model_loading_config": {"modelId": "tiny"}})


def test_a_claims_folder_and_a_name_that_begins_with_a_digit(tmp_path: Path) -> None:
    claim = {"claimName": "shared", "subPath": "team/a"}
    manifest = exported_manifest(service_context(tmp_path, jobName="7b", claim=claim))
    assert manifest["metadata"]["name"] == "job-7b"
    head = manifest["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]
    assert head["containers"][0]["volumeMounts"][0]["subPath"] == "team/a/export"


def test_the_head_follows_the_replicas_to_a_node_that_is_named(tmp_path: Path) -> None:
    """A claim of one node, as with `workspace.shared: false`, is mounted by Pods there alone."""
    section = SECTION | {"nodeSelector": {"kubernetes.io/hostname": "a"}}
    (tmp_path / "b").mkdir()
    named, other = (
        exported_manifest(service_context(tmp_path / name, export={"rayService": each}))["spec"][
            "rayClusterConfig"
        ]["headGroupSpec"]["template"]["spec"]
        for name, each in (("a", section), ("b", SECTION))
    )
    assert named["nodeSelector"] == {"kubernetes.io/hostname": "a"}
    assert len(named["tolerations"]) == 2
    assert "nodeSelector" not in other


@pytest.mark.parametrize("text", ["1e5", "y", "0o17"])
def test_kubernetes_reads_every_text_as_a_text(tmp_path: Path, text: str) -> None:
    """PyYAML reads these as texts, kubectl and KubeRay as a number, a flag and a number."""
    section = SECTION | {"nodeSelector": {text: text}}
    context = service_context(tmp_path, jobName=text, export={"rayService": section})
    exported_manifest(context)
    written = (context.workspace.export / "rayservice.yaml").read_bytes()
    (manifest,) = read_documents(written)
    (workers,) = manifest["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    assert workers["template"]["spec"]["nodeSelector"] == {text: text}
    assert f"'{text}': '{text}'".encode() in written
    (serve,) = read_documents(manifest["spec"]["serveConfigV2"].encode())
    (model,) = serve["applications"][0]["args"]["llm_configs"]
    assert model["model_loading_config"]["model_id"] == text


def test_without_the_section_there_is_no_manifest(tmp_path: Path) -> None:
    context = stage_context(tmp_path, Stage.EXPORT, **_LINE, export={})
    save_tiny(context.workspace.model("pretrained"), tokenizer=tiny_tokenizer())
    with pytest.raises(FileNotFoundError, match=r"export/rayservice\.yaml"):
        exported_manifest(context)
    assert (context.workspace.export / "config.json").exists()


def test_a_model_that_vllm_cannot_serve_so_fails_the_export(tmp_path: Path) -> None:
    context = service_context(tmp_path, context_length=65)
    with pytest.raises(UserError, match=r"export\.rayService: contextLength is 65"):
        exported_manifest(context)


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ({"layers": 2, "hiddenSize": 24, "heads": 3, "vocabularySize": 320}, True),
        ({"layers": 2, "hiddenSize": 24, "heads": 3}, False),  # the vocabulary is not known yet
        ({"layers": 2, "hiddenSize": 16, "heads": 2, "vocabularySize": 320}, False),
        ({"initFrom": "model"}, False),
    ],
)
def test_it_is_refused_before_anything_is_trained_where_the_shape_is_known(
    tmp_path: Path, model: dict[str, object], *, refused: bool
) -> None:
    context = service_context(tmp_path, model=model)
    assert RUNNER.check_access is not None
    if not refused:
        RUNNER.check_access(context)
        return
    with pytest.raises(UserError, match="does not divide the model's attention heads, 3"):
        RUNNER.check_access(context)


def test_a_pretrained_model_at_hand_is_checked_before_it_is_trained(tmp_path: Path) -> None:
    """`llmtrain plan` says of such a job: "The first stage will refuse export.rayService"."""
    save_tiny(tmp_path / "pretrained", tokenizer=tiny_tokenizer())  # 2 heads
    context = service_context(
        tmp_path / "workspace",
        model={"initFrom": str(tmp_path / "pretrained")},
        export={"rayService": SECTION | {"gpusPerReplica": 3}},
    )
    assert RUNNER.check_access is not None
    with pytest.raises(UserError, match="gpusPerReplica is 3"):
        RUNNER.check_access(context)
