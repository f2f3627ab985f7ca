"""A job so small that a real training run of it takes a second or two."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
from support.token_files import write_token_file
from tokenizers import Tokenizer, models

from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.spec.data import Data
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace

VOCABULARY_SIZE = 96
SEQUENCE_LENGTH = 16


def write_tokens(workspace: Workspace, *, num_tokens: int = 1200) -> None:
    """Token files whose next token can be learned: mostly the sum of the two before it.

    They are of two sources: the first 95 tokens, and the others.
    """
    generator = np.random.default_rng(0)
    tokens = [1, 2]
    while len(tokens) < num_tokens:
        tokens.append((tokens[-1] + tokens[-2]) % (VOCABULARY_SIZE - 1) + 1)
        if generator.random() < 0.05:
            tokens[-1] = int(generator.integers(1, VOCABULARY_SIZE))
    _write_split(workspace.tokens / "train", tokens)
    _write_split(workspace.tokens / "validation", tokens[:200])
    workspace.tokenizer.mkdir()
    tokenizer = Tokenizer(models.WordLevel({str(n): n for n in range(VOCABULARY_SIZE)}))
    tokenizer.save(str(workspace.tokenizer / "tokenizer.json"))
    special = {"bos_token": "0", "eos_token": "0", "pad_token": "1"}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **special}
    (workspace.tokenizer / "tokenizer_config.json").write_text(json.dumps(config))


def _write_split(folder: Path, tokens: list[int]) -> None:
    shards = ([tokens[:90]], [tokens[90:95]], [tokens[95:]])
    write_token_file(
        folder, *shards, vocabulary_size=VOCABULARY_SIZE, bytes_per_token=2, sources=(0, 0, 1)
    )


def pretrain_config(
    workspace: Path, *, workers: int = 1, attempt: int = 0, **changes: object
) -> RunConfig:
    """A run config of the pretrain stage; `changes` go into the manifest's sections.

    Args:
        workspace: with token files.
        workers: number of ranks.
        attempt: attempt of the stage.
        changes: `model={...}` and any field of the pretrain section, as in YAML; `init_from=...`
            in place of the model's shape; `data={...}`.
    """
    data = changes.pop("data", None)
    shape: dict[str, Any] = {"family": "llama", "layers": 2, "hiddenSize": 32, "heads": 4}
    init_from = changes.pop("init_from", None)
    model: dict[str, Any] = {"initFrom": init_from} if init_from else shape
    model |= {"dropout": 0.1} | cast("dict[str, Any]", changes.pop("model", {}))
    pretrain: dict[str, Any] = {
        "tokens": 12 * 8 * SEQUENCE_LENGTH,
        "sequenceLength": SEQUENCE_LENGTH,
        "batchTokens": 8 * SEQUENCE_LENGTH,
        "microBatchSize": 2,
        "optimizer": {"learningRate": 0.01},
        "precision": "fp32",
        "checkpoint": {"everySteps": 5},
    }
    return RunConfig(
        job_name="tiny",
        job_uid="00000000-0000",
        stage=Stage.PRETRAIN,
        attempt=attempt,
        seed=7,
        workspace=str(workspace),
        inputs=str(workspace),
        workers=Workers(count=workers, cpus=1, gpus=0),
        progress_host="127.0.0.1",
        progress_port=1,
        data=None if data is None else Data.model_validate(data),
        model=Model.model_validate(model),
        pretrain=Pretrain.model_validate(pretrain | changes),
    )
