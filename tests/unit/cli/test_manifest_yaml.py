"""A YAML file means the same to us as to kubectl; errors are reported with their line."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmtrain.errors import ManifestError
from llmtrain.manifest import load_manifest, read_document
from llmtrain.yaml_reader import read_documents

_HEAD = """apiVersion: llmtrain.io/v1alpha1
kind: LLMTrainingJob
metadata: {name: a}
spec:
  data: {sources: [{pythonDocs: {}}]}
"""


def _read(text: str) -> Any:
    (document,) = read_documents(text.encode())
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [  # as `kubectl label --local -f FILE -o json` prints them
        ("2020-01-01", "2020-01-01"),
        ("2020-99-99", "2020-99-99"),
        ("2020-01-01T99:00:00Z", "2020-01-01T99:00:00Z"),
        ("1:30", "1:30"),
        ("3e-4", 3e-4),
        ("1e9", 10**9),
        ("3.0", 3),
        (".5", 0.5),
        ("1_000", 1000),
        ("017", 15),
        ("0o17", 15),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("0x_", "0x_"),
        ("_1", "_1"),
        ("1e", "1e"),
        ("1.0e+400", "1.0e+400"),
        ("9" * 5000, "9" * 5000),
        ("=", "="),
        ("yes", True),
        ("Off", False),
        ("n", False),
        ("", None),
        ("~", None),
        ('"yes"', "yes"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("! 12", "12"),
        (r'"\ud83d\ude00"', "\N{GRINNING FACE}"),  # JSON's way to write it
        ("{1: a, true: b}", {"1": "a", "true": "b"}),
        ("{a: &x {b: 1, c: 2}, d: {<<: *x, b: 3}}", {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}),
        (
            "{a: &x {b: 1}, d: &y {c: 2, b: 4}, e: {<<: [*x, *y]}}",
            {"a": {"b": 1}, "d": {"c": 2, "b": 4}, "e": {"b": 1, "c": 2}},
        ),
    ],
)
def test_a_word_means_what_kubectl_makes_of_it(text: str, value: object) -> None:
    found = _read(f"field: {text}")["field"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("image: {{ image }}", "a template such as {{ value }} must be filled in first"),
        ("? [a]\n  : 1", "a field's name must be text, not a list or a mapping"),
        ("seed: .inf", ".inf is no number"),
        ("seed: -.inf", "-.inf is no number"),
        ("seed: .NaN", ".NaN is no number"),
        ("seed: !!binary aGVsbG8=", "the tag !!binary has no meaning here; remove it"),
        ("seed: !!set {a, b}", "the tag !!set has no meaning here"),
        ("seed: !secret x", "the tag !secret has no meaning here"),
        ("seed: &a [*a]", "*a stands within &a"),
        ("seed: *a", "*a repeats &a, which does not come before it"),
        ("<<: 1", "<< takes a mapping"),
        ("seed: " + "[" * 3000 + "]" * 3000, "deeper than 64 levels"),
        ("seed: 1\n  seed: 2", "seed is set twice"),
        (r'image: "\ud800"', "half of a character"),
        (r'image: "a\0b"', "U+0000"),
        ("image: a\0b", "U+0000 cannot stand in YAML"),
        ("seed: [1", "expected ',' or ']'"),
        ("\tseed: 1", "cannot start any token"),
    ],
)
def test_unreadable_yaml_is_reported_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(f"{_HEAD}  {line}\n")
    with pytest.raises(ManifestError) as error:
        load_manifest(path)
    where, _, what = str(error.value).partition(": ")
    assert where.startswith(f"{path}, line ")
    assert int(where.rpartition(" ")[2]) in {6, 7}
    assert message in what


def test_a_few_aliases_do_not_fill_the_memory(tmp_path: Path) -> None:
    lines = ["x0: &x0 [a, a]", *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]" for n in range(1, 60))]
    path = tmp_path / "job.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(ManifestError, match=r"line \d+: the file stands for more than 100,000"):
        load_manifest(path)


def test_bytes_that_are_no_text_are_reported_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(f"{_HEAD}  image: caf".encode() + b"\xe9\n")
    with pytest.raises(ManifestError, match=r"job\.yaml, line 6: this is not UTF-8"):
        load_manifest(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_editors_on_windows_write_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(_HEAD.replace("\n", "\r\n").encode(encoding))
    assert load_manifest(path).metadata.name == "a"


def test_json_may_be_indented_with_tabs(tmp_path: Path) -> None:
    manifest = yaml.safe_load(_HEAD)
    path = tmp_path / "job.json"
    path.write_text(json.dumps(manifest, indent="\t"))
    assert read_document(path) == manifest


def test_a_tab_in_the_text_of_a_yaml_file_stays() -> None:
    assert _read('{"a":\n  "x\ty"}') == {"a": "x\ty"}


def test_json_is_held_to_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text('{\n\t"kind": 1,\n\t"kind": 2\n}')
    with pytest.raises(ManifestError, match="line 3: kind is set twice"):
        read_document(path)
    path.write_text("\t" + "[" * 100_000 + "]" * 100_000)
    with pytest.raises(ManifestError, match="line 1"):
        read_document(path)


def test_an_anchor_may_be_set_again() -> None:
    assert _read("{a: &x 1, b: *x, c: &x 2, d: *x}") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_empty_documents_around_a_job_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(f"---\n# a template's comment\n---\n{_HEAD}---\n")
    assert load_manifest(path).metadata.name == "a"


def test_two_jobs_in_a_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(f"{_HEAD}---\n{_HEAD}")
    with pytest.raises(ManifestError, match=r"one LLMTrainingJob.* found 2 documents"):
        read_document(path)
