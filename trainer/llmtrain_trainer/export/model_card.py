"""The README.md of an exported model: what it is, what it was made from, how good it is."""

from collections.abc import Iterator, Sequence

from llmtrain_api.data_report import DataReport, Size
from llmtrain_api.records import EvaluationReport, GateResult
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Sections
from llmtrain_api.yaml_text import yaml_text
from llmtrain_trainer.export.facts import ModelFacts, TrainingFacts
from llmtrain_trainer.runner import runners

_FRONT_MATTER = """\
---
library_name: transformers
pipeline_tag: text-generation
tags:
- llmtrain
---
"""
_LOAD_CHAT = """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # this folder
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)

messages = [{"role": "user", "content": "Hello!"}]
inputs = tokenizer.apply_chat_template(
    messages,
    add_generation_prompt=True,
    return_tensors="pt",
    return_dict=True,
    sanitize_control_tokens=True,
)
output = model.generate(**inputs, max_new_tokens=100)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
```

Or talk to it in a terminal: `llmtrain chat FOLDER`.

In training, and in `llmtrain chat`, what a message says is text, also where it mentions a control
token of the chat template, such as `<|im_end|>`. The template itself cannot ensure that:
`sanitize_control_tokens=True` does. Where a program, or an older `transformers`, lacks that option,
remove the control tokens (`tokenizer.all_special_tokens`) from what others write, or they can end
their turn and write one of the system.
"""
_LOAD_TEXT = """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."  # this folder
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)

inputs = tokenizer("Once upon a time", return_tensors="pt")
output = model.generate(inputs["input_ids"], max_new_tokens=100)
print(tokenizer.decode(output[0]))
```

It continues text; it was not fine-tuned to answer.
"""
_LICENCE = """\
The licence of this model follows from its data, and from the model it started from where it did
not start anew. Check them, and write the licence here, before you publish anything.
"""


def model_card(facts: ModelFacts) -> str:
    """The whole card, as Markdown with the hub's front matter."""
    parts = [
        f"# {facts.config.job_name}",
        _what(facts),
        "## How to use it",
        _LOAD_CHAT if facts.chats else _LOAD_TEXT,
        *(_evaluation(facts.evaluation) if facts.evaluation else ()),
        *(_data(facts.data, facts.training) if facts.data else ()),
        *_training(facts.training),
        "## How it was made",
        _manifest(facts.config),
        "## Licence",
        _LICENCE,
    ]
    return _FRONT_MATTER + "\n" + "\n\n".join(part.rstrip() for part in parts) + "\n"


def _what(facts: ModelFacts) -> str:
    rows = [
        ("Architecture", facts.model_type),
        ("Parameters", f"{facts.num_parameters:,}"),
        ("Context", f"{facts.context_limit:,} tokens" if facts.context_limit else "no limit"),
        ("Vocabulary", f"{facts.vocabulary_size:,} tokens"),
        ("Last stage of training", _last_training(facts)),
    ]
    return _table(("", ""), rows)


def _last_training(facts: ModelFacts) -> str:
    describe = [runner.describe for runner in runners(facts.config) if runner.describe]
    return describe[-1](facts.config) if describe else "none here"


def _evaluation(report: EvaluationReport) -> Iterator[str]:
    yield "## How good it is"
    rows = [
        (result.name, result.model, f"{result.value:.4g}", _error(result.standard_error))
        for result in report.results
    ]
    yield _table(("Metric", "Model", "Value", "Standard error"), rows)
    if report.gates:
        yield "\n".join(f"- {_gate(gate)}" for gate in report.gates)
    for written in report.generations:
        yield f"The {written.model} model, asked {_quoted(written.prompt)}:"
        yield _block(written.text)


def _gate(gate: GateResult) -> str:
    bounds = [
        f"{name} {bound:g}"
        for name, bound in (("min", gate.min), ("max", gate.max))
        if bound is not None
    ]
    verdict = "passed" if gate.passed else "**not passed**"
    return f"Gate {gate.metric} ({', '.join(bounds)}): {gate.value:.4g}, {verdict}"


def _data(report: DataReport, stages: Sequence[TrainingFacts]) -> Iterator[str]:
    yield "## What it learned from"
    rows = [(source.name, *_counts(source.received)) for source in report.by_source]
    rows += [
        (f"dropped by {step.name}", *_counts(step.dropped))
        for step in report.steps
        if step.dropped.documents
    ]
    rows += [("training", *_counts(report.train)), ("held out", *_counts(report.validation))]
    yield _table(("Documents", "Number", "Bytes"), rows)
    for counts in (stage.source_tokens for stage in stages if stage.source_tokens):
        total = sum(counts)
        mixed = [
            (source.name, f"{count:,}", f"{count / total:.2%}")
            for source, count in zip(report.by_source, counts, strict=True)
        ]
        yield _table(("Source", "Tokens trained on", "Share"), mixed)


def _counts(size: Size) -> tuple[str, str]:
    return f"{size.documents:,}", f"{size.bytes:,}"


def _training(stages: Sequence[TrainingFacts]) -> Iterator[str]:
    if stages:
        yield "## What training was planned to take, and took"
    for stage in stages:
        sides = (stage.planned, stage.done)
        rows = [
            ("Optimizer steps", *(f"{side.steps:,}" for side in sides)),
            ("Tokens", *(f"{side.tokens:,}" for side in sides)),
            ("FLOPs", *(_known(side.flops, ".3g") for side in sides)),
            ("Hours in optimizer steps", *(_known(_hours(side.seconds), ".3g") for side in sides)),
            ("Share of the devices' peak (MFU)", *(_known(side.mfu, ".1%") for side in sides)),
            ("Validation loss, in nats per token", "", _known(stage.validation_loss, ".4g")),
        ]
        yield _table((stage.stage.value, "Planned", "Done"), rows)


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


def _known(value: float | None, form: str) -> str:
    return "unknown" if value is None else f"{value:{form}}"


def _manifest(config: RunConfig) -> str:
    """The sections of the manifest, every default written out."""
    sections = config.model_dump(mode="json", include=set(Sections.model_fields), exclude_none=True)
    text = yaml_text(sections)
    return (
        f"By llmtrain, with the seed {config.seed} and these sections of the manifest:\n\n"
        + _block(text, "yaml")
    )


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _quoted(text: str) -> str:
    return f'"{" ".join(text.split())}"'


def _block(text: str, language: str = "text") -> str:
    """A code block whose fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
