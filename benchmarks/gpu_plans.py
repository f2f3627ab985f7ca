"""The rows of gpu.py, the most important first."""

from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the table."""

    name: str
    loop: str
    """A loop of gpu_row.py or gpu_peers.py."""
    changes: dict[str, object] = field(default_factory=dict)
    """Fields of `pretrain`, in place of the manifest's."""
    needs: tuple[str, ...] = ()
    """Modules that the row imports, beside those that the benchmark itself needs."""
    limit_seconds: float = 110.0
    """Limit of the time that the row's process runs."""
    profiled: bool = False
    alone: bool = False
    """Whether nothing is prepared beside it: it looks for the micro batch that fills the GPU."""


@dataclass(frozen=True)
class RowPlan:
    """A manifest, and what is measured of it on one GPU."""

    manifest: str
    batch_tokens: int
    """Tokens of a step: fewer than in the manifest, whose machines have more GPUs."""
    memory_gib: float
    """GPU memory that a row may take; where two have room, one is prepared beside another."""
    warmup_steps: int
    timed_steps: int
    rows: tuple[Row, ...]


_CEILINGS = Row("ceilings", "ceilings", limit_seconds=40)
_AS_THE_MANIFEST = Row(
    "ours as the manifest has it", "ours", limit_seconds=200, profiled=True, alone=True
)
_COMPILED = {"compile": True}

PLANS = {
    "gpt2": RowPlan(
        manifest="gpt2-124m.yaml",
        batch_tokens=131_072,
        memory_gib=40,
        warmup_steps=4,
        timed_steps=12,
        rows=(
            _CEILINGS,
            _AS_THE_MANIFEST,
            Row("bare PyTorch compiled 16", "bare", _COMPILED | {"microBatchSize": 16}),
            Row("ours 16", "ours", {"microBatchSize": 16}),
            Row(
                "Hugging Face Trainer compiled 16",
                "trainer",
                _COMPILED | {"microBatchSize": 16},
                needs=("accelerate",),
            ),
            Row("ours 32", "ours", {"microBatchSize": 32}),
            Row("ours ZeRO 0 16", "ours", {"microBatchSize": 16, "zero": {"stage": 0}}),
            Row("ours eager 16", "ours", {"microBatchSize": 16, "compile": False}),
        ),
    ),
    "llama": RowPlan(
        manifest="llama-1.3b.yaml",
        batch_tokens=65_536,
        memory_gib=60,
        warmup_steps=2,
        timed_steps=5,
        rows=(
            _CEILINGS,
            _AS_THE_MANIFEST,
            Row(
                "Hugging Face Trainer Liger eager 4",
                "trainer-liger",
                {"microBatchSize": 4},
                needs=("accelerate", "liger_kernel"),
            ),
            Row(
                "bare PyTorch compiled 4",
                "bare",
                _COMPILED | {"microBatchSize": 4},
            ),
            Row("ours 4", "ours", {"microBatchSize": 4}),
            Row(
                "LitGPT compiled 4",
                "litgpt",
                _COMPILED | {"microBatchSize": 4},
                needs=("litgpt",),
            ),
            Row(
                "Hugging Face Trainer compiled 4",
                "trainer",
                _COMPILED | {"microBatchSize": 4},
                needs=("accelerate",),
            ),
            Row("ours eager 4", "ours", {"microBatchSize": 4, "compile": False}),
        ),
    ),
}
