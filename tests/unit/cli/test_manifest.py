"""What a person reads whose manifest is wrong: the field, what was wrong, what would be right."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.local_run import small_spec, write_manifest

from llmtrain_cli.manifest import ManifestError, load_manifest

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
        ("pretrain.precision", "fp8", ["spec.pretrain.precision", "bf16"]),
        ("pretrain.batchTokens", 1000, ["batchTokens must be a multiple of sequenceLength"]),
        ("pretrain.optimizer.learningRate", -1, ["learningRate", "greater than 0"]),
        ("model.heads", 5, ["spec.model", "hiddenSize", "heads"]),
        ("model.layers", 0, ["spec.model.layers", "found 0"]),
        ("data.sources", [], ["spec.data.sources"]),
        ("data.validationFraction", 1.5, ["spec.data.validationFraction", "less than"]),
        ("tokenizer", _REMOVED, ["tokenizer"]),
        ("evaluate.gates", [{"metric": "bitsPerByte"}], ["spec.evaluate.gates"]),
        ("compute.trainers.replicas", 0, ["spec.compute.trainers.replicas"]),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, path: str, value: object, words: list[str]) -> None:
    manifest = write_manifest(tmp_path, _with(path, value))
    with pytest.raises(ManifestError) as error:
        load_manifest(manifest)
    message = str(error.value)
    assert str(manifest) in message
    assert [word for word in words if word not in message] == []


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
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
    ],
)
def test_a_file_that_holds_no_job_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(ManifestError) as error:
        load_manifest(path)
    assert [word for word in words if word not in str(error.value)] == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"job\.yaml: No such file"):
        load_manifest(tmp_path / "job.yaml")


def test_invalid_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(b"kind: \xff\xfe\x00")
    with pytest.raises(ManifestError, match="is no YAML"):
        load_manifest(path)
