"""The export is a complete folder that plain `transformers` loads, with a model card."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.later_stage_context import stage_context
from support.tiny_model import save_tiny, tiny_model, tiny_tokenizer
from transformers import LlamaForCausalLM

from llmtrain_api.data_report import DataReport, Size, SourceReport, StepReport
from llmtrain_api.records import EvaluationReport, GateResult, Generation, StepRecord
from llmtrain_api.stages import Stage
from llmtrain_api.status import EvaluationResult
from llmtrain_trainer.conversations.template import ensure_chat_template
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.export.runner import RUNNER
from llmtrain_trainer.models.stored import save_model
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.stage import StageContext

LINE = {
    "model": {"layers": 2, "hiddenSize": 16, "heads": 2},
    "data": {"sources": [{"pythonDocs": {}}]},
    "pretrain": {},
    "finetune": {"data": {"sources": [{"pythonDocs": {}}]}},
    "evaluate": {},
    "export": {},
}
DATA = DataReport(
    sources={},
    by_source=(
        SourceReport(name="raw|a.jsonl", received=Size(documents=12, bytes=3456)),
        SourceReport(name="pythonDocs"),
    ),
    steps=(StepReport(name="gopher", dropped=Size(documents=2, bytes=456)),),
    train=Size(documents=9, bytes=2700),
    validation=Size(documents=1, bytes=300),
)
EVALUATION = EvaluationReport(
    results=(
        EvaluationResult(
            name="bitsPerByte", model="finetuned", value=1.98765, standard_error=0.0123
        ),
    ),
    generations=(Generation(model="finetuned", prompt="Hi", text="a ``` b"),),
    gates=(GateResult(metric="bitsPerByte", value=1.98765, min=0.0, max=2.5, passed=True),),
)


def finished_line(folder: Path, **sections: object) -> StageContext:
    """A workspace after evaluation."""
    context = stage_context(folder, Stage.EXPORT, **(LINE | sections))
    workspace = context.workspace
    tokenizer = tiny_tokenizer()
    ensure_chat_template(tokenizer)
    save_tiny(workspace.model("pretrained"))
    save_tiny(workspace.model("finetuned"), tokenizer=tokenizer, seed=1)
    for path, report in ((workspace.data_report, DATA), (workspace.evaluation_report, EVALUATION)):
        path.parent.mkdir(parents=True)
        path.write_text(report.model_dump_json())
    return context


def card_code(folder: Path) -> str:
    """The first block of Python in the model card."""
    return (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]


def run_card(folder: Path) -> str:
    """Do what the model card says."""
    return run_alone(card_code(folder), folder)


def run_alone(code: str, folder: Path) -> str:
    """What code prints in a process that knows nothing of us."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=folder,
        env={"HF_HUB_OFFLINE": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_card_of_a_chat_model_shows_how_to_use_it(tmp_path: Path) -> None:
    context = finished_line(tmp_path)
    RUNNER.work(context)
    folder = context.workspace.export
    assert len(run_card(folder)) > 1  # more than the end of the line
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    source = context.workspace.model("finetuned") / "model.safetensors"
    assert (folder / "model.safetensors").read_bytes() == source.read_bytes()


@pytest.mark.slow
def test_the_card_of_a_base_model_shows_how_to_use_it(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model", context_length=256)
    context = stage_context(tmp_path, Stage.EXPORT, export={})
    RUNNER.work(context)
    assert run_card(context.workspace.export).startswith("Once upon a time")
    assert "llmtrain chat" not in (context.workspace.export / "README.md").read_text()


def test_the_card_names_the_origin_of_the_model(tmp_path: Path) -> None:
    context = finished_line(tmp_path)
    RUNNER.work(context)
    card = (context.workspace.export / "README.md").read_text()
    for line in (
        "# tiny",
        "| Architecture | llama |",
        "| Parameters | 10,320 |",
        "| Context | 64 tokens |",
        "| bitsPerByte | finetuned | 1.988 | 0.012 |",
        "- Gate bitsPerByte (min 0, max 2.5): 1.988, passed",
        'The finetuned model, asked "Hi":',
        "````text\na ``` b\n````",
        r"| raw\|a.jsonl | 12 | 3,456 |",
        "| dropped by gopher | 2 | 456 |",
        "| held out | 1 | 300 |",
        "hiddenSize: 16",
        "with the seed 7",
        "## Licence",
    ):
        assert line in card


def test_the_card_holds_the_plan_against_what_was_done(tmp_path: Path) -> None:
    pretrain = {"tokens": "20x", "sequenceLength": 64, "batchTokens": 1024, "precision": "fp32"}
    context = finished_line(tmp_path, pretrain=pretrain)
    metrics = context.workspace.metrics(Stage.PRETRAIN)
    metrics.parent.mkdir()
    records = [
        StepRecord(step=step, loss=2.0, seconds=0.9, source_tokens=(768 * step, 256 * step))
        for step in (1, 2)
    ]
    records.append(StepRecord(step=2, validation_loss=1.98765))
    metrics.write_text("".join(f"{record.model_dump_json()}\n" for record in records))
    RUNNER.work(context)
    card = (context.workspace.export / "README.md").read_text()
    for line in (
        "| pretrain | Planned | Done |",
        "| Optimizer steps | 202 | 2 |",  # of 20 x 10,320 parameters
        "| Tokens | 206,848 | 2,048 |",
        "| Hours in optimizer steps | 0.000",
        " | 0.0005 |",  # 2 x 0.9 s
        "(MFU) | 40.0% | ",
        "| Validation loss, in nats per token |  | 1.988 |",
        "| pythonDocs | 512 | 25.00% |",
    ):
        assert line in card
    assert "| finetune | Planned | Done |" not in card  # it has left no record


@pytest.mark.slow
def test_a_chat_model_stops_by_itself_at_the_end_of_its_turn(tmp_path: Path) -> None:
    context = finished_line(tmp_path)
    workspace = context.workspace
    beside = workspace.model("finetuned")
    load_tokenizer(beside).save_pretrained(tmp_path / "tokenizer")
    model = that_always_says(tiny_tokenizer().convert_tokens_to_ids("<|im_end|>"))
    weights: dict[str, object] = dict(model.named_parameters())
    save_model(lambda: model, weights, tokenizer=tmp_path / "tokenizer", target=beside)
    RUNNER.work(context)
    count = "print('new:', output.shape[1] - inputs['input_ids'].shape[1])\n"
    code = card_code(workspace.export) + count
    there = code.replace('folder = "."', f"folder = {str(beside)!r}")
    assert run_alone(code + there, workspace.export).count("new: 1\n") == 2


def that_always_says(token: int) -> LlamaForCausalLM:
    """A model for which all tokens are alike, and this one follows them."""
    model = tiny_model()
    model.config.tie_word_embeddings = False
    with torch.no_grad():
        model.lm_head.weight = torch.nn.Parameter(torch.zeros(320, 16))
        model.model.embed_tokens.weight[:] = model.model.embed_tokens.weight[0]
        model.lm_head.weight[token] = model.model(torch.tensor([[0]])).last_hidden_state[0, 0]
    return model


def test_a_second_export_replaces_the_first(tmp_path: Path) -> None:
    context = finished_line(tmp_path)
    RUNNER.work(context)
    (context.workspace.export / "left-over").touch()
    RUNNER.work(context)
    assert not (context.workspace.export / "left-over").exists()


def test_pickles_are_neither_exported_nor_a_reason_to_fail(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model")
    (tmp_path / "model" / "optimizer.bin").write_bytes(b"pickle")
    context = stage_context(tmp_path, Stage.EXPORT, export={})
    RUNNER.work(context)
    assert not (context.workspace.export / "optimizer.bin").exists()


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("models/finetuned", "run the finetune stage first"),
        ("models/finetuned/model.safetensors", "pickled weights are never loaded"),
        ("models/finetuned/config.json", "config.json is missing"),
        ("data/report.json", "run the stages before export first"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_left(
    tmp_path: Path, missing: str, message: str
) -> None:
    context = finished_line(tmp_path)
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=message):
        RUNNER.work(context)
    assert not context.workspace.export.exists()
