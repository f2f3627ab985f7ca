"""The evaluate stage from a manifest's section to the report."""

import json
from pathlib import Path

import pytest
import yaml
from support.event_files import scalars
from support.later_stage_context import stage_context
from support.tiny_model import save_tiny, tiny_tokenizer

from llmtrain_api.records import EvaluationReport
from llmtrain_api.spec.tracking import TensorBoard, Tracking
from llmtrain_api.stages import Stage
from llmtrain_trainer.conversations.template import ensure_chat_template
from llmtrain_trainer.data.documents import DocumentWriter
from llmtrain_trainer.data.sources.python_docs import harvest_part
from llmtrain_trainer.errors import GateError, Interrupted, UserError
from llmtrain_trainer.evaluate.stage import run
from llmtrain_trainer.evaluate.text import held_out_texts
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext

LINE = {
    "model": {"layers": 2, "hiddenSize": 16, "heads": 2},
    "data": {"sources": [{"pythonDocs": {}}]},
    "pretrain": {},
    "finetune": {"data": {"sources": [{"pythonDocs": {}}]}},
}


def trained_pipeline(folder: Path, **evaluate: object) -> StageContext:
    """A workspace after fine-tuning, with held-out documents."""
    context = stage_context(folder, Stage.EVALUATE, **LINE, evaluate=evaluate)
    save_tiny(context.workspace.model("pretrained"), context_length=128)
    tokenizer = tiny_tokenizer()
    ensure_chat_template(tokenizer)
    save_tiny(context.workspace.model("finetuned"), tokenizer=tokenizer, context_length=128, seed=1)
    with DocumentWriter(context.workspace.documents / "validation") as writer:
        for entry in harvest_part("calendar.py"):
            writer.write(entry.document, "test")
    return context


def report_of(context: StageContext) -> EvaluationReport:
    text = context.workspace.evaluation_report.read_text()
    return EvaluationReport.model_validate_json(text)


def test_the_whole_pipeline_is_measured_and_the_last_model_must_pass(tmp_path: Path) -> None:
    context = trained_pipeline(
        tmp_path,
        tasks=[{"heldOutDocs": {"questions": 4}}],
        generations={"prompts": ["Hello"], "maxNewTokens": 4},
        gates=[
            {"metric": "bitsPerByte", "min": 1, "max": 9},
            {"metric": "heldOutDocs/accuracy", "min": 0},
        ],
    )
    results = run(context)
    report = report_of(context)
    assert report.results == results
    assert [(result.model, result.name) for result in results] == [
        ("pretrained", "bitsPerByte"),
        ("pretrained", "perplexity"),
        ("finetuned", "bitsPerByte"),
        ("finetuned", "perplexity"),
        ("finetuned", "heldOutDocs/accuracy"),
    ]
    assert results[0].value != results[2].value  # two models, not one twice
    assert [written.model for written in report.generations] == ["pretrained", "finetuned"]
    assert all(gate.passed for gate in report.gates)
    assert report.gates[0].value == results[2].value
    assert run(context) == results  # it takes no random choices


def test_trackers_get_the_results_of_every_model(tmp_path: Path) -> None:
    context = trained_pipeline(tmp_path)
    config = context.config.replace(tracking=Tracking(tensorboard=TensorBoard()))
    results = run(StageContext(config, context.progress))
    folder = context.workspace.tracking / "tensorboard" / "evaluate"
    for result in results:
        (value,) = scalars(folder, f"{result.model}/{result.name}").values()
        assert value == pytest.approx(result.value)


def test_a_gate_that_is_not_met_ends_the_stage_after_the_report(tmp_path: Path) -> None:
    context = trained_pipeline(tmp_path, gates=[{"metric": "bitsPerByte", "max": 0.5}])
    with pytest.raises(
        GateError, match=r"finetuned .* bitsPerByte is .*, above .* max of 0\.5"
    ) as e:
        run(context)
    report = report_of(context)
    assert e.value.evaluation == report.results
    assert [gate.passed for gate in report.gates] == [False]


def test_sampling_is_the_same_each_time(tmp_path: Path) -> None:
    generations = {"prompts": ["Hello", "Hello"], "maxNewTokens": 16, "temperature": 1.0}
    context = trained_pipeline(tmp_path, bitsPerByte=False, generations=generations)
    run(context)
    first = report_of(context).generations
    run(context)
    assert report_of(context).generations == first
    assert first[0].text == first[1].text
    assert len(set(first[0].text)) > 1


def test_a_prompt_longer_than_the_context_keeps_its_end(tmp_path: Path) -> None:
    prompts = ["word " * 500, ""]
    generations = {"prompts": prompts, "maxNewTokens": 100}
    context = trained_pipeline(tmp_path, bitsPerByte=False, generations=generations)
    run(context)
    assert [written.prompt for written in report_of(context).generations] == prompts * 2


def test_a_users_task_is_run_on_an_open_model_without_data(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model", context_length=128)
    (tmp_path / "quiz").mkdir()
    rows = [{"q": f"{n}?", "choices": ["a", "b"], "right": n % 2} for n in range(6)]
    (tmp_path / "quiz" / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = {
        "task": "quiz",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "q",
        "doc_to_choice": "choices",
        "doc_to_target": "right",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    (tmp_path / "quiz" / "quiz.yaml").write_text(yaml.safe_dump(task))

    def evaluate(name: str, **more: object) -> StageContext:
        tasks = [{"lmEval": {"name": name, "include": "quiz", "limit": 4}}]
        section = {"bitsPerByte": False, "tasks": tasks} | more
        return stage_context(tmp_path, Stage.EVALUATE, evaluate=section)

    (result,) = run(evaluate("quiz"))
    assert (result.name, result.model) == ("quiz/acc", "initial")
    assert result.value in {0.0, 0.25, 0.5, 0.75, 1.0}  # of four questions
    with pytest.raises(UserError, match=r"no task 'quizz' in .*; the tasks there are: quiz"):
        run(evaluate("quizz"))
    with pytest.raises(UserError, match=r"'quiz/f1' is not measured; the metrics are: quiz/acc"):
        run(evaluate("quiz", gates=[{"metric": "quiz/f1", "min": 0}]))
    (tmp_path / "quiz" / "rows.jsonl").unlink()
    with pytest.raises(UserError, match=r"quiz cannot be loaded from .*rows\.jsonl"):
        run(evaluate("quiz"))


def test_an_open_model_is_measured_on_text_of_its_own(tmp_path: Path) -> None:
    save_tiny(tmp_path / "model")
    (tmp_path / "a.txt").write_text("The quick brown fox.")
    (tmp_path / "b.txt").write_text("the quick  brown fox.")  # the same, but for white space
    files = {"paths": ["*.txt"], "format": "text"}
    steps = [{"unicode": {}}, {"length": {"minWords": 0}}, {"exactDedup": {}}]
    data = {"sources": [{"files": files}], "steps": steps}
    results = run(stage_context(tmp_path, Stage.EVALUATE, evaluate={"data": data}))
    assert {result.model for result in results} == {"initial"}
    with pytest.raises(UserError, match=r"no text to measure on; add data or evaluate\.data"):
        run(stage_context(tmp_path, Stage.EVALUATE, evaluate={}))
    strict = data | {"steps": [{"length": {"minWords": 50}}]}
    with pytest.raises(UserError, match="no document is left"):
        run(stage_context(tmp_path, Stage.EVALUATE, evaluate={"data": strict}))


def test_bad_rows_of_the_text_to_measure_on_have_one_limit(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"text": "fox {name}"}}\n{{"text": 3}}\n')
    files = {"paths": ["*.jsonl"], "format": "jsonl"}
    data = {"steps": [{"length": {"minWords": 0}}]}
    allowed = data | {"sources": [{"files": files | {"maxBadRows": 2}}]}
    context = stage_context(tmp_path, Stage.EVALUATE, evaluate={"data": allowed})
    assert held_out_texts(context) == ["fox a", "fox b"]
    strict = data | {"sources": [{"files": files | {"maxBadRows": 1}}]}
    context = stage_context(tmp_path, Stage.EVALUATE, evaluate={"data": strict})
    with pytest.raises(UserError, match=r"b\.jsonl: line 2: .*maxBadRows is 1"):
        held_out_texts(context)


def test_a_stopped_evaluation_writes_no_report(tmp_path: Path) -> None:
    context = trained_pipeline(tmp_path)
    context.stop.set()
    with pytest.raises(Interrupted):
        run(context)
    assert not context.workspace.evaluation_report.exists()


def test_a_model_without_any_end_token_is_warned_about(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = tokenizer.pad_token = None
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    save_tiny(tmp_path / "model", tokenizer=tokenizer)
    evaluate = {"bitsPerByte": False, "generations": {"prompts": ["hi"], "maxNewTokens": 8}}
    context = stage_context(tmp_path, Stage.EVALUATE, evaluate=evaluate)
    run(context)
    assert len(report_of(context).generations) == 1
    assert isinstance(context.progress, ProgressTracker)
    assert "every answer is as long as it may be" in context.progress.report.warnings[0]
