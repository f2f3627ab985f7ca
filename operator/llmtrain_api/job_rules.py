"""Rules between a job's sections: each in CEL, for the API server, and in Python.

A mistake that is found here costs a second; found by a stage, it costs the stages before it.
"""

from collections import Counter
from collections.abc import Sequence

from llmtrain_api.base import rule
from llmtrain_api.batch import batch_layout, parallel_dims
from llmtrain_api.families import Family
from llmtrain_api.spec.compute import Trainers
from llmtrain_api.spec.data import Data
from llmtrain_api.spec.environment import EnvironmentVariable, SecretUse
from llmtrain_api.spec.evaluate import Evaluate
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.spec.tokenizer import Tokenizer
from llmtrain_api.spec.training import Precision, Training
from llmtrain_api.stages import Sections, Stage

_CONTEXT = (
    "(has(self.model.contextLength) ? self.model.contextLength : self.pretrain.sequenceLength)"
)
_NEW_MODEL = "has(self.pretrain) && has(self.model) && !has(self.model.initFrom)"
_OPTIMIZING = tuple(stage for stage in Stage if stage.optimizes)
_UNPACKED = [family.value for family in Family if family.definition.masks == "refused"]
"""Families whose documents cannot share a sequence."""
_RANKS = (
    "self.compute.trainers.replicas"
    " * (self.compute.trainers.gpus > 0 ? self.compute.trainers.gpus : 1)"
)
"""CEL: number of all workers."""


def _shared(stage: str) -> str:
    """CEL: `batch.is_shared_evenly`, for a batch that is whole sequences."""
    size, tensor = f"self.{stage}.microBatchSize", f"self.{stage}.parallel.tensor"
    return (
        f"!has(self.{stage}) || {_RANKS} % {tensor} != 0"
        f" || self.{stage}.batchTokens / self.{stage}.sequenceLength"
        f" % ({_RANKS} / {tensor} * (has({size}) && type({size}) == int ? int({size}) : 1)) == 0"
    )


_SET_TWICE = "a variable is set twice by environment and secrets"
_SETS_IT = "has({0}.environment) && {0}.environment.exists(b, b.name == a.name)"

_MIXES = "a weight of data.sources is for pretrain, which mixes them"
_MIXES_NOT = "sources of evaluate.data take no weight: nothing is mixed there"

RULES = (
    rule(
        f"!({_NEW_MODEL}) || self.pretrain.sequenceLength <= {_CONTEXT}",
        "pretrain.sequenceLength must not exceed model.contextLength",
    ),
    *(
        rule(
            f"!({_NEW_MODEL}) || !has(self.{stage}) || self.{stage}.sequenceLength <= {_CONTEXT}",
            f"{stage}.sequenceLength must not exceed the model's context",
        )
        for stage in _OPTIMIZING
        if stage.row.needs_model
    ),
    *(
        rule(
            f"!({_NEW_MODEL}) || !has(self.{stage}) || !self.{stage}.packing"
            f" || !(self.model.family in {_UNPACKED})",
            f"{stage}.packing must be false for models of the family {', '.join(_UNPACKED)}",
        )
        for stage in _OPTIMIZING
        if stage.row.needs_model
    ),
    rule(
        f"!({_NEW_MODEL}) || !has(self.model.vocabularySize) || !has(self.tokenizer)"
        " || !has(self.tokenizer.vocabularySize)"
        " || self.model.vocabularySize >= self.tokenizer.vocabularySize",
        "model.vocabularySize must not be less than tokenizer.vocabularySize",
    ),
    rule(
        "!has(self.pretrain) || !has(self.model) || !has(self.model.initFrom)"
        " || !has(self.tokenizer) || has(self.tokenizer.pretrained)",
        "with model.initFrom, pretrain needs that model's tokenizer in tokenizer.pretrained",
    ),
    *(
        rule(
            f"!has(self.{stage}) || {_RANKS} % self.{stage}.parallel.tensor == 0",
            f"{stage}.parallel.tensor must divide the number of workers of compute.trainers",
        )
        for stage in _OPTIMIZING
    ),
    *(
        rule(
            _shared(stage),
            f"{stage}.batchTokens must be a multiple of sequenceLength x microBatchSize"
            " x the workers of compute.trainers / parallel.tensor",
        )
        for stage in _OPTIMIZING
    ),
    *(
        rule(
            f"!has(self.{stage}) || self.{stage}.precision != 'fp8'"
            " || self.compute.trainers.gpus > 0",
            f"{stage}.precision fp8 needs GPUs in compute.trainers",
        )
        for stage in _OPTIMIZING
    ),
    rule(
        "self.compute.trainers.cpus >= self.compute.trainers.gpus",
        "compute.trainers.cpus must not be less than gpus",
    ),
    rule(
        "!has(self.evaluate) || has(self.data) || has(self.evaluate.data)"
        " || !(self.evaluate.bitsPerByte || self.evaluate.tasks.exists(t, has(t.heldOutDocs)))",
        "evaluate needs text: add data or evaluate.data",
    ),
    rule(
        "!has(self.evaluate) || !has(self.data) || !has(self.evaluate.data)",
        "evaluate.data is for jobs without data",
    ),
    rule(
        "!has(self.data) || has(self.pretrain) || self.data.sources.all(s, !has(s.weight))",
        _MIXES,
    ),
    rule(
        "!has(self.evaluate) || !has(self.evaluate.data)"
        " || self.evaluate.data.sources.all(s, !has(s.weight))",
        _MIXES_NOT,
    ),
    rule(
        "!has(self.evaluate) || self.evaluate.gates.all(g,"
        " (self.evaluate.bitsPerByte && g.metric in ['bitsPerByte', 'perplexity'])"
        " || self.evaluate.tasks.exists(t, has(t.lmEval)"
        " ? g.metric.startsWith(t.lmEval.name + '/') : g.metric == 'heldOutDocs/accuracy'))",
        "evaluate.gates name a metric that is not measured",
    ),
    rule(f"self.environment.all(a, !self.secrets.exists(s, {_SETS_IT.format('s')}))", _SET_TWICE),
    rule(
        "self.secrets.all(s, !has(s.environment) || s.environment.all(a,"
        f" self.secrets.filter(t, {_SETS_IT.format('t')}).size() == 1))",
        _SET_TWICE,
    ),
)


def require_context(sections: Sections) -> None:
    """Sequences are no longer than the new model can look back.

    Raises:
        ValueError: they are.
    """
    model, pretrain = sections.model, sections.pretrain
    if model is None or pretrain is None or model.init_from is not None:
        return
    context = model.context_length or pretrain.sequence_length
    if pretrain.sequence_length > context:
        raise ValueError(
            "pretrain.sequenceLength must not exceed model.contextLength; "
            f"{pretrain.sequence_length} > {context}"
        )
    for stage, training in sections.trainings.items():
        if training.sequence_length > context:
            source = "model.contextLength" if model.context_length else "pretrain.sequenceLength"
            raise ValueError(
                f"{stage}.sequenceLength must not exceed the model's context, which is "
                f"{source}; {training.sequence_length} > {context}"
            )


def require_separate_texts(sections: Sections) -> None:
    """Texts share sequences in the new model's family alone that can keep them apart.

    Raises:
        ValueError: they would in another.
    """
    model = sections.model
    if model is None or sections.pretrain is None or model.init_from is not None:
        return
    for stage, training in sections.trainings.items():
        if training.packs_texts and model.family in _UNPACKED:
            raise ValueError(
                f"{stage}.packing must be false for models of the family {model.family}, whose "
                "attention cannot keep the texts of a sequence apart; set it to false"
            )


def require_vocabulary(
    model: Model | None, pretrain: Pretrain | None, tokenizer: Tokenizer | None
) -> None:
    """The model that is pretrained knows the tokens of the tokenizer.

    Raises:
        ValueError: it does not.
    """
    if model is None or pretrain is None or tokenizer is None:
        return
    if model.init_from is not None and tokenizer.pretrained is None:
        raise ValueError(
            "with model.initFrom, pretrain needs that model's tokenizer in tokenizer.pretrained; "
            f"set it to {model.init_from}, and remove vocabularySize"
        )
    rows, tokens = model.vocabulary_size, tokenizer.vocabulary_size
    if rows is not None and tokens is not None and rows < tokens:
        raise ValueError(
            "model.vocabularySize must not be less than tokenizer.vocabularySize; "
            f"{rows} < {tokens}"
        )


def require_shared_batch(stage: Stage, training: Training, trainers: Trainers) -> None:
    """A batch is whole forward passes of all workers.

    Args:
        stage: a stage that optimizes.
        training: its section.
        trainers: what it runs on.

    Raises:
        ValueError: it is not.
    """
    try:
        batch_layout(training, parallel_dims(training, trainers.num_workers))
    except ValueError as error:
        raise ValueError(f"{stage}.{error}") from None


def require_gpus_for_fp8(stage: Stage, training: Training, trainers: Trainers) -> None:
    """8-bit matrix products run on GPUs alone.

    Args:
        stage: a stage that optimizes.
        training: its section.
        trainers: what it runs on.

    Raises:
        ValueError: it asks for them on CPUs.
    """
    if training.precision is Precision.FP8 and not trainers.gpus:
        raise ValueError(
            f"{stage}.precision fp8 needs GPUs in compute.trainers; "
            "set compute.trainers.gpus, or precision: bf16"
        )


def require_cpus(trainers: Trainers) -> None:
    """Each rank has a CPU core to run on.

    Raises:
        ValueError: it has not.
    """
    if trainers.cpus < trainers.gpus:
        raise ValueError(
            "compute.trainers.cpus must not be less than gpus, for each GPU's rank needs a core; "
            f"{trainers.cpus} < {trainers.gpus}"
        )


def require_measured(evaluate: Evaluate | None, data: Data | None) -> None:
    """There is text to measure on, and each gate is on something that is measured.

    Raises:
        ValueError: there is not.
    """
    if evaluate is None:
        return
    asks_documents = any(task.held_out_docs for task in evaluate.tasks)
    if data is None and evaluate.data is None and (evaluate.bits_per_byte or asks_documents):
        raise ValueError(
            "evaluate needs text: add data or evaluate.data, or set evaluate.bitsPerByte: false "
            "and remove the task heldOutDocs"
        )
    if data is not None and evaluate.data is not None:
        raise ValueError(
            "evaluate.data is for jobs without data; remove it: the documents that data holds out "
            "are measured on"
        )
    known = ["bitsPerByte", "perplexity"] if evaluate.bits_per_byte else []
    known += ["heldOutDocs/accuracy"] if asks_documents else []
    tasks = [f"{task.name}/" for task in evaluate.tasks if task.lm_eval]
    for number, gate in enumerate(evaluate.gates):
        if gate.metric not in known and not gate.metric.startswith(tuple(tasks)):
            metrics = ", ".join([*known, *(f"{task}..." for task in tasks)]) or "none"
            raise ValueError(
                f"evaluate.gates[{number}].metric: {gate.metric} is not measured; "
                f"the metrics are {metrics}"
            )


def require_mixed(sections: Sections) -> None:
    """Weights of sources are used: pretraining mixes by them, and nothing else.

    Raises:
        ValueError: they are not.
    """
    data, evaluate = sections.data, sections.evaluate
    if data is not None and data.has_weights and sections.pretrain is None:
        raise ValueError(f"{_MIXES}; add pretrain, or remove weight and maxEpochs")
    if evaluate is not None and evaluate.data is not None and evaluate.data.has_weights:
        raise ValueError(f"{_MIXES_NOT}; remove weight and maxEpochs")


def require_one_value(
    environment: Sequence[EnvironmentVariable], secrets: Sequence[SecretUse]
) -> None:
    """Each environment variable has one value.

    Raises:
        ValueError: one has two.
    """
    named = [each.name for each in environment]
    named += [each.name for secret in secrets for each in secret.environment]
    twice = next((name for name, count in Counter(named).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"{_SET_TWICE}: {twice}")
