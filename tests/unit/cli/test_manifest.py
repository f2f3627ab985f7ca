"""What a person reads whose manifest is wrong: the field, what was wrong, what would be right."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.local_run import small_spec, write_manifest

from llmtrain.errors import ManifestError
from llmtrain.manifest import load_manifest
from llmtrain_cli.main import build_app, with_plain_files

_REMOVED = object()


def _with(path: str, value: object) -> dict[str, Any]:
    spec = deepcopy(small_spec())
    *sections, last = path.split(".")
    section = spec
    for name in sections:
        section = section[name]
    if value is _REMOVED:
        del section[last]
    else:
        section[last] = value
    return spec


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("pretrain.tokenz", 1, ["spec.pretrain.tokenz", "unknown field", "tokens"]),
        ("pretrain.tokens", "many", ["spec.pretrain.tokens", "20x"]),
        ("pretrain.sequenceLength", "long", ["spec.pretrain.sequenceLength", "integer"]),
        ("pretrain.zero.stage", 4, ["spec.pretrain.zero.stage", "found 4"]),
        ("pretrain.precision", "fp16", ["spec.pretrain.precision", "bf16"]),
        ("pretrain.batchTokens", 1000, ["batchTokens must be a multiple of sequenceLength"]),
        ("pretrain.optimizer.learningRate", -1, ["learningRate", "greater than 0"]),
        ("model.heads", 5, ["spec.model", "hiddenSize", "heads"]),
        ("model.layers", 0, ["spec.model.layers", "found 0"]),
        ("data.sources", [], ["spec.data.sources"]),
        ("data.validationFraction", 1.5, ["spec.data.validationFraction", "less than"]),
        ("tokenizer", _REMOVED, ["tokenizer"]),
        ("evaluate.gates", [{"metric": "bitsPerByte"}], ["spec.evaluate.gates"]),
        ("compute.trainers.replicas", 0, ["spec.compute.trainers.replicas"]),
        ("model.hidden_size", 32, ["spec.model.hidden_size", "did you mean hiddenSize"]),
        ("my-field", 1, ["spec.my-field: unknown field; known are annotations, compute, data"]),
        ("1", 1, ["spec.1: unknown field"]),
        ("", 1, ['spec[""]: unknown field']),
        ("seed", True, ["spec.seed: input should be a valid integer; found true"]),
        (
            "compute.trainers.nodeSelector",
            {"nvidia.com/gpu": True},
            [
                'spec.compute.trainers.nodeSelector["nvidia.com/gpu"]',
                "value of a label",
                "found true",
            ],
        ),
        ("pretrain.microBatchSize", "most", ["valid integer", "or input should be 'auto'"]),
        ("pretrain.tokens", "0x", ["valid integer, or should be a multiple", 'found "0x"']),
        ("data.sources", [{"pythonDocs": None}], ["sources[0]", "found none", "written {}"]),
        (
            "evaluate.gates",
            [{"metric": "bitsPerBytes", "max": 8}],
            ["evaluate.gates[0].metric: bitsPerBytes is not measured", "bitsPerByte, perplexity"],
        ),
        ("evaluate.gates", [{"metric": "perplexity", "min": 3, "max": 2}], ["3 > 2"]),
        ("finetune.sequenceLength", 128, ["finetune.sequenceLength", "128 > 64"]),
        ("model.contextLength", 32, ["pretrain.sequenceLength", "64 > 32"]),
        ("model.vocabularySize", 300, ["model.vocabularySize", "300 < 400"]),
        ("model.hiddenSize", 36, ["spec.model: llama", "36 / 4 is 9"]),
        (
            "data.steps",
            [{"html": {}}, {"gopher": {"minWords": 5, "maxWords": 4}}],
            ["spec.data.steps[1].gopher: minWords", "5 > 4"],
        ),
        (
            "data.steps",
            [{"gopher": {"minWords": -1}}],
            ["spec.data.steps[0].gopher.minWords", "greater than or equal to 0"],
        ),
        (
            "data.steps",
            [{"exactDedup": {}}, {"unicode": {}}],
            ["spec.data.steps: ", "move [1] before [0]"],
        ),
        ("data.steps", [{"gophr": {}}], ["spec.data.steps[0].gophr", "did you mean gopher?"]),
        ("pretrain.microBatchSize", 3, ["pretrain.batchTokens", "64 x 3 x 2 = 384", "768 or 1152"]),
        ("compute.trainers.replicas", 32, ["pretrain.batchTokens", "1024 is not, 2048 would be"]),
        ("compute.trainers.gpus", 4, ["compute.trainers.cpus", "1 < 4"]),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, path: str, value: object, words: list[str]) -> None:
    manifest = write_manifest(tmp_path, _with(path, value))
    with pytest.raises(ManifestError) as error:
        load_manifest(manifest)
    message = str(error.value)
    assert str(manifest) in message
    assert [word for word in words if word not in message] == []


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    spec = _with("pretrain.tokenz", 1) | {"seed": "x"}
    with pytest.raises(ManifestError) as error:
        load_manifest(write_manifest(tmp_path, spec))
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("spec: [", ["line 1"]),
        ("kind: A\nkind: B\n", ["line 2", "kind is set twice"]),
        ("- a\n- b\n", ["one LLMTrainingJob"]),
        ("", ["one LLMTrainingJob"]),
        (yaml.safe_dump({"kind": "Pod", "apiVersion": "v1"}), ["kind"]),
        (
            yaml.safe_dump({"metadata": {"name": "a"}}),
            [
                "apiVersion: missing; it must be set, to llmtrain.io/v1alpha1",
                "kind: missing; it must be set, to LLMTrainingJob",
            ],
        ),
    ],
)
def test_a_file_that_holds_no_job_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(ManifestError) as error:
        load_manifest(path)
    assert [word for word in words if word not in str(error.value)] == []


@pytest.mark.parametrize(
    ("field", "value", "instead"),
    [
        ("data.filter", {"minWords": 5}, "write steps in data.steps (gopher, length)"),
        ("data.clean", {"html": False}, "write steps in data.steps (html, unicode, emojiToText)"),
        ("export", {"format": "safetensors"}, "remove it: it is always safetensors now"),
    ],
)
def test_a_field_of_0_1_is_refused_with_what_to_write(
    tmp_path: Path, field: str, value: object, instead: str
) -> None:
    """docs/upgrading.md: "New jobs are refused with the field to write instead"."""
    with pytest.raises(ManifestError, match=re.escape(f"unknown field since 0.2; {instead}")):
        load_manifest(write_manifest(tmp_path, _with(field, value)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"job\.yaml: No such file"):
        load_manifest(tmp_path / "job.yaml")


def test_invalid_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(b"kind: \xff\xfe\x00")
    with pytest.raises(ManifestError, match="line 1: this is not UTF-8"):
        load_manifest(path)


def test_what_kubectl_prints_of_a_job_is_a_manifest_of_it(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, small_spec())
    applied = load_manifest(path)
    printed = yaml.safe_load(path.read_text())
    printed["metadata"] |= {
        "uid": "1f0c",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": None,
        "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {".": {}}}}],
    }
    printed["status"] = {"phase": "Running", "startTime": "2026-01-31T12:00:00Z"}
    text = yaml.safe_dump(printed)
    # kubectl leaves out the quotes that PyYAML would write
    text = text.replace("creationTimestamp: null", "creationTimestamp: 2026-01-31T12:00:00Z")
    path.write_text(text.replace("'2026-01-31T12:00:00Z'", "2026-01-31T12:00:00Z"))
    assert load_manifest(path) == applied


@pytest.mark.parametrize("namespace", ["X Y", "team.a", "-a", "a" * 64])
def test_a_namespace_that_the_api_server_refuses_is_refused(tmp_path: Path, namespace: str) -> None:
    path = write_manifest(tmp_path, small_spec())
    manifest = yaml.safe_load(path.read_text())
    manifest["metadata"]["namespace"] = namespace
    path.write_text(yaml.safe_dump(manifest))
    rule = "should be at most 63 lower case letters, digits and hyphens, with a letter or digit at"
    with pytest.raises(ManifestError, match=rf"metadata\.namespace: {rule}.*found \"{namespace}\""):
        load_manifest(path)


@pytest.mark.parametrize("namespace", ["team-a", "1", "a" * 63, "", None])
def test_a_namespace_may_be_named(tmp_path: Path, namespace: str | None) -> None:
    path = write_manifest(tmp_path, small_spec())
    manifest = yaml.safe_load(path.read_text())
    manifest["metadata"]["namespace"] = namespace
    path.write_text(yaml.safe_dump(manifest))
    assert load_manifest(path).metadata.namespace == namespace


@pytest.mark.parametrize("command", ["run", "plan", "validate", "submit"])
def test_a_manifest_may_be_named_as_kubectl_wants_it(command: str) -> None:
    for flags in (["-f", "a.yaml"], ["--filename", "a.yaml"], ["--filename=a.yaml"]):
        assert with_plain_files([command, *flags, "-o", "json"]) == [
            command,
            "a.yaml",
            "-o",
            "json",
        ]
    assert with_plain_files(["logs", "-f", "job"]) == ["logs", "-f", "job"]


def test_many_manifests_are_checked_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = write_manifest(tmp_path, small_spec(), name="right")
    wrong = write_manifest(tmp_path, small_spec() | {"sede": 1}, name="wrong")
    arguments = with_plain_files(["validate", "-f", str(wrong), "-f", str(right)])
    with pytest.raises(SystemExit) as exit_:
        build_app(arguments)(arguments)
    printed = capsys.readouterr()
    assert exit_.value.code == 2
    assert printed.err == f"{wrong}: spec.sede: unknown field; did you mean seed?\n"
    assert printed.out.startswith(f"{right}: right is valid: data, tokenizer, pretrain")
