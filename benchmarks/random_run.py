"""A pretrain stage on random tokens, for the benchmarks to time: nothing to download or prepare."""

from pathlib import Path

import numpy as np
import yaml
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.tokens.files import TokenIndex, smallest_dtype
from llmtrain_trainer.tokens.writer import TokenShardWriter

_FALLBACK_VOCABULARY_SIZE = 50257
_BATCHES = 16
_END_OF_TEXT = "<|endoftext|>"


def random_run(
    manifest: Path, folder: Path, *, workers: Workers, steps: int, **changes: object
) -> RunConfig:
    """The manifest's pretraining, without validation and checkpoints.

    Args:
        manifest: an LLMTrainingJob.
        folder: becomes the workspace; random tokens are written to it.
        workers: in place of the manifest's.
        steps: optimizer steps.
        changes: fields of `pretrain`, by their names in the manifest.
    """
    job = LLMTrainingJob.model_validate(yaml.safe_load(manifest.read_text()), by_name=False)
    given = job.spec.pretrain
    assert given is not None, f"{manifest} has no pretrain section"
    pretrain = given.model_dump(mode="json", by_alias=True, exclude_none=True) | changes
    pretrain |= {
        "tokens": steps * pretrain["batchTokens"],
        "checkpoint": {"everySeconds": 86_400},
        "validation": {"everySteps": 1_000_000, "maxTokens": pretrain["sequenceLength"]},
    }
    tokenizer = job.spec.tokenizer
    size = tokenizer.vocabulary_size if tokenizer else None
    _write_tokens(
        Workspace(folder), size or _FALLBACK_VOCABULARY_SIZE, _BATCHES * pretrain["batchTokens"]
    )
    return RunConfig(
        job_name=job.metadata.name,
        job_uid="benchmark",
        stage=Stage.PRETRAIN,
        attempt=0,
        seed=job.spec.seed,
        workspace=str(folder),
        inputs=str(folder),
        workers=workers,
        progress_host="127.0.0.1",
        progress_port=18791,
        model=job.spec.model,
        pretrain=type(given).model_validate(pretrain, by_name=False),
    )


def _write_tokens(workspace: Workspace, vocabulary_size: int, num_tokens: int) -> None:
    tokens = np.random.default_rng(0).integers(vocabulary_size, size=num_tokens, dtype=np.uint32)
    dtype = smallest_dtype(vocabulary_size)
    for split in ("train", "validation"):
        folder = workspace.tokens / split
        folder.mkdir(parents=True)
        with TokenShardWriter(folder, 0, dtype) as writer:
            writer.write(tokens, np.array([num_tokens]), np.array([num_tokens]))
        TokenIndex(
            dtype=dtype,
            vocabulary_size=vocabulary_size,
            end_of_text_id=0,
            tokenizer="random",
            shards=(writer.shard,),
        ).write(folder)
    _write_tokenizer(workspace.tokenizer)


def _write_tokenizer(folder: Path) -> None:
    """One that knows the end of a text alone: a saved model takes that from it."""
    tokenizer = Tokenizer(models.WordLevel({_END_OF_TEXT: 0}))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=_END_OF_TEXT)
    fast.save_pretrained(folder)
