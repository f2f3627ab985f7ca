"""`llmtrain plan` as a person and as a program use it."""

import json
from io import StringIO
from pathlib import Path

import pytest
import typer
import yaml
from rich.console import Console
from typer.testing import CliRunner, Result

from llmtrain_api.plan import Plan
from llmtrain_cli.plan import plan
from llmtrain_cli.plan_table import plan_view

MANIFESTS = Path(__file__).parents[3] / "manifests"
FINETUNE_ONLY = {
    "apiVersion": "llmtrain.io/v1alpha1",
    "kind": "LLMTrainingJob",
    "metadata": {"name": "chat"},
    "spec": {
        "model": {"initFrom": "base"},
        "finetune": {"data": {"sources": [{"pythonDocs": {}}]}},
    },
}


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(plan)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("name", "parameters", "time"),
    [
        ("gpt2-124m", "124,439,808", "18 minutes 6 seconds"),
        ("llama-1.3b", "1,364,297,728", "10 hours 47 minutes"),
        ("llama-7b", "6,738,415,616", "2 days 20 hours"),
        ("llama-70b", "68,976,648,192", "46 days 18 hours"),
    ],
)
def test_the_manifests_on_the_terminal(name: str, parameters: str, time: str) -> None:
    result = run(MANIFESTS / f"{name}.yaml", "--price", "2.50")
    assert result.exit_code == 0, result.output
    for words in (parameters, time, "cost", "$", "It fits"):
        assert words in result.output


@pytest.mark.parametrize("name", ["gpt2-124m", "llama-70b"])
def test_nothing_is_cut_off_on_a_narrow_terminal(name: str) -> None:
    written = run(MANIFESTS / f"{name}.yaml", "-o", "json").output
    screen = StringIO()
    Console(width=80, file=screen).print(plan_view(Plan.model_validate_json(written), name=name))
    assert "optimizer" in screen.getvalue()
    assert "…" not in screen.getvalue()


def with_micro_batch(folder: Path, size: int) -> Path:
    """The 7B Llama with a micro batch of its own."""
    text = (MANIFESTS / "llama-7b.yaml").read_text()
    path = folder / "job.yaml"
    path.write_text(text.replace("  pretrain:\n", f"  pretrain:\n    microBatchSize: {size}\n"))
    return path


def test_json_is_the_plan(tmp_path: Path) -> None:
    manifest = with_micro_batch(tmp_path, 4)
    result = run(manifest, "--hardware", "l4", "--price", "0.7", "-o", "json")
    document = json.loads(result.stdout)
    assert document["model"]["parameters"] == 6_738_415_616
    assert document["stages"][0]["memory"]["fits"] is False
    assert document["stages"][0]["changes"] == [{"field": "spec.pretrain.zero.stage", "value": 3}]
    assert document["costUsd"] == pytest.approx(
        0.7 * document["durationSeconds"] * document["hardware"]["workers"] / 3600
    )


def test_yaml_says_the_same_as_json() -> None:
    manifest = MANIFESTS / "gpt2-124m.yaml"
    as_yaml, as_json = run(manifest, "-o", "yaml"), run(manifest, "-o", "json")
    assert yaml.safe_load(as_yaml.stdout) == json.loads(as_json.stdout)


def test_advice_is_shown(tmp_path: Path) -> None:
    result = run(with_micro_batch(tmp_path, 4), "--hardware", "l4")
    assert "spec.pretrain.zero.stage: 3" in result.output


def test_a_micro_batch_that_is_found_is_shown_as_planned() -> None:
    result = run(MANIFESTS / "llama-7b.yaml", "--hardware", "l4")
    assert "auto (planned: " in result.output


def test_a_pretrained_model_is_read_from_its_folder(tmp_path: Path) -> None:
    manifest = write_finetuning(tmp_path, context_length=1024)
    result = run(manifest, "--finetune-tokens", "1000000", "-o", "json")
    document = json.loads(result.stdout)
    assert document["model"]["parameters"] == 124_439_808
    assert document["stages"][0]["tokens"] == 2_000_000


def write_finetuning(folder: Path, *, context_length: int) -> Path:
    """A manifest that fine-tunes GPT-2, whose config lies beside it."""
    (folder / "base").mkdir()
    config = {
        "model_type": "gpt2",
        "n_layer": 12,
        "n_embd": 768,
        "n_head": 12,
        "vocab_size": 50257,
        "n_positions": context_length,
    }
    (folder / "base" / "config.json").write_text(json.dumps(config))
    manifest = folder / "chat.yaml"
    manifest.write_text(yaml.safe_dump(FINETUNE_ONLY))
    return manifest


def test_sequences_longer_than_the_pretrained_models_context_are_refused(tmp_path: Path) -> None:
    result = run(write_finetuning(tmp_path, context_length=512))
    assert result.exit_code == 2
    assert "spec.finetune.sequenceLength: 1024 is longer than the context of base, 512 tokens" in (
        result.stderr
    )


def test_a_pretrained_model_that_is_elsewhere_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "chat.yaml"
    manifest.write_text(yaml.safe_dump(FINETUNE_ONLY))
    result = run(manifest)
    assert result.exit_code == 2
    assert "spec.model.initFrom: the shape of base is unknown" in result.stderr


def test_a_broken_manifest_is_no_traceback(tmp_path: Path) -> None:
    manifest = tmp_path / "job.yaml"
    manifest.write_text("spec: {pretrain: {zeroo: 1}}")
    result = run(manifest)
    assert result.exit_code == 2
    (fault,) = (line for line in result.stderr.splitlines() if "zeroo" in line)
    assert fault == f"{manifest}: spec.pretrain.zeroo: unknown field; did you mean zero?"


@pytest.mark.parametrize(
    "option",
    [
        ("--price", "inf"),
        ("--price", "nan"),
        ("--mfu", "nan"),
        ("--finetune-tokens", "9" * 400),
        ("--vocabulary-size", "9" * 20),
    ],
)
def test_an_option_that_is_no_figure_is_named(option: tuple[str, str]) -> None:
    result = run(MANIFESTS / "llama-7b.yaml", *option)
    assert result.exit_code == 2
    assert f"Invalid value for '{option[0]}'" in result.stderr
