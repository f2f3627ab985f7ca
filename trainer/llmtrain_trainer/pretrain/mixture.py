"""The mixture of pretraining: the manifest's weights over the sources of the token file."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.data import Data, Source
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_planner.stage_plan import count_sequences, count_steps
from llmtrain_trainer.data.source_counter import source_name
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.tokens.files import TokenFile
from llmtrain_trainer.training.mixture import MixedSource, Mixture

_WORTHWHILE_EPOCHS = 4
"""Epochs over the same text that teach almost as much as new text (Muennighoff et al. 2023)."""


def mixture_of(config: RunConfig, tokens: TokenFile) -> Mixture | None:
    """The mixture of a job; None where its sources have no weights.

    Args:
        config: run config of any stage of the job, which pretrains.
        tokens: the token file to train on.

    Raises:
        UserError: the token file does not say which tokens are of which source, or a source has too
            few for one sequence.
    """
    data, pretrain = config.data, config.pretrain
    assert pretrain is not None, "the contract asks for it"
    if data is None or not data.has_weights:
        return None
    found = tokens.index.tokens_by_source
    if None in found:
        raise UserError(
            f"{tokens.folder}: an older version of llmtrain wrote these tokens without their "
            f"sources, which data.sources[].weight needs; delete {tokens.folder.parent} and "
            "data/documents in the workspace, and run the data and tokenizer stages again",
            reason="InvalidTokenFile",
        )
    in_order = [shard.source or 0 for shard in tokens.index.shards]
    assert in_order == sorted(in_order), "units follow the manifest's order"
    sources = [
        _mixed(number, source, found.get(number, 0), pretrain)
        for number, source in enumerate(data.sources)
    ]
    return Mixture(sources, config.seed)


def require_enough(mixture: Mixture, config: RunConfig, tokens: int) -> None:
    """Make sure that the sources last until the end of training.

    Args:
        mixture: the job's.
        config: run config of any stage of the job.
        tokens: tokens to train on.

    Raises:
        UserError: all sources reach their `maxEpochs` before.
    """
    data, pretrain = _sections(config)
    steps = count_steps(tokens, pretrain.batch_tokens)
    have = None if mixture.length is None else mixture.length * pretrain.sequence_length
    if have is None or have >= steps * pretrain.batch_tokens:
        return
    each = "; ".join(
        f"sources[{number}] {limit * pretrain.sequence_length} with maxEpochs {source.max_epochs:g}"
        for number, (source, limit) in enumerate(zip(data.sources, mixture.limits, strict=True))
        if limit is not None
    )
    most = have // pretrain.batch_tokens * pretrain.batch_tokens
    lower = f"set pretrain.tokens to {most} or less" if most else "lower pretrain.batchTokens"
    raise UserError(
        f"pretrain.tokens: {tokens} tokens are {steps} steps of {pretrain.batch_tokens}, and "
        f"data.sources have {have} within their maxEpochs ({each}); "
        f"{lower}, raise a maxEpochs, remove one, or add data",
        reason="TooFewTokens",
    )


def warnings(mixture: Mixture, config: RunConfig, tokens: int) -> Iterator[str]:
    """Warnings about sources that are repeated more often than is worth it.

    Args:
        mixture: the job's.
        config: run config of any stage of the job.
        tokens: tokens to train on.
    """
    data, pretrain = _sections(config)
    steps = count_steps(tokens, pretrain.batch_tokens)
    counts = mixture.counts(steps * (pretrain.batch_tokens // pretrain.sequence_length))
    for number, (source, epochs) in enumerate(
        zip(data.sources, mixture.epochs(counts), strict=True)
    ):
        if source.max_epochs is None and epochs > _WORTHWHILE_EPOCHS:
            yield (
                f"data.sources[{number}] ({source_name(source)}): training goes {epochs:.1f} times "
                f"through its tokens, and repeated text teaches less after about "
                f"{_WORTHWHILE_EPOCHS} epochs; set maxEpochs: {_WORTHWHILE_EPOCHS}, lower its "
                "weight, or add text to it"
            )


def parts_of(tokens: TokenFile) -> Sequence[int]:
    """Tokens of each source of a mixture, in the order of the manifest and of the token file."""
    return list(tokens.index.tokens_by_source.values())


def _sections(config: RunConfig) -> tuple[Data, Pretrain]:
    assert config.data is not None, "it has weights"
    assert config.pretrain is not None, "the contract asks for it"
    return config.data, config.pretrain


def _mixed(number: int, source: Source, tokens: int, pretrain: Pretrain) -> MixedSource:
    length = pretrain.sequence_length
    sequences, weight = count_sequences(tokens, length), source.weight
    assert weight is not None, "all sources have one"
    limit = None if source.max_epochs is None else int(_exact(source.max_epochs) * sequences)
    named = f"data.sources[{number}] ({source_name(source)})"
    if not sequences:
        raise UserError(
            f"{named}: its {tokens} tokens to train on are too few for one sequence of {length}, "
            "and it has a weight; lower pretrain.sequenceLength, add text to it, or remove it",
            reason="TooFewTokens",
        )
    if limit == 0:
        raise UserError(
            f"{named}: {source.max_epochs:g} epochs of its {tokens} tokens are less than one "
            f"sequence of {length}; raise maxEpochs, or remove the source",
            reason="TooFewTokens",
        )
    return MixedSource(sequences, _exact(weight), limit)


def _exact(number: float) -> Fraction:
    """The number as it is written in the manifest: 0.1 has no binary fraction."""
    return Fraction(repr(number))
