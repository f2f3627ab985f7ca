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
    memory_gib: float = 24.0
    """GPU memory that the row may take; two rows that fit together are prepared side by side."""
    profiled: bool = False


@dataclass(frozen=True)
class RowPlan:
    """A manifest, and what is measured of it on one GPU."""

    manifest: str
    batch_tokens: int
    """Tokens of a step: fewer than in the manifest, whose machines have more GPUs."""
    warmup_steps: int
    timed_steps: int
    rows: tuple[Row, ...]


_CEILINGS = Row("ceilings", "ceilings", limit_seconds=40, memory_gib=10)
_COMPILED = {"compile": True}

PLANS = {
    "gpt2": RowPlan(
        manifest="gpt2-124m.yaml",
        batch_tokens=131_072,
        warmup_steps=4,
        timed_steps=12,
        rows=(
            _CEILINGS,
            Row("ours as the manifest has it", "ours", profiled=True),
            Row("bare PyTorch compiled 16", "bare", _COMPILED | {"microBatchSize": 16}),
            Row("ours 16", "ours", {"microBatchSize": 16}),
            Row(
                "Hugging Face Trainer compiled 16",
                "trainer",
                _COMPILED | {"microBatchSize": 16},
                needs=("accelerate",),
            ),
            Row("ours 32", "ours", {"microBatchSize": 32}, memory_gib=40),
            Row("ours ZeRO 0 16", "ours", {"microBatchSize": 16, "zero": {"stage": 0}}),
            Row("ours eager 16", "ours", {"microBatchSize": 16, "compile": False}),
        ),
    ),
    "llama": RowPlan(
        manifest="llama-1.3b.yaml",
        batch_tokens=65_536,
        warmup_steps=2,
        timed_steps=5,
        rows=(
            _CEILINGS,
            Row("ours as the manifest has it", "ours", profiled=True, memory_gib=60),
            Row(
                "Hugging Face Trainer Liger eager 4",
                "trainer-liger",
                {"microBatchSize": 4},
                needs=("accelerate", "liger_kernel"),
                memory_gib=60,
            ),
            Row(
                "bare PyTorch compiled 4",
                "bare",
                _COMPILED | {"microBatchSize": 4},
                memory_gib=60,
            ),
            Row("ours 4", "ours", {"microBatchSize": 4}, memory_gib=60),
            Row(
                "LitGPT compiled 4",
                "litgpt",
                _COMPILED | {"microBatchSize": 4},
                needs=("litgpt",),
                memory_gib=60,
            ),
            Row(
                "Hugging Face Trainer compiled 4",
                "trainer",
                _COMPILED | {"microBatchSize": 4},
                needs=("accelerate",),
                memory_gib=60,
            ),
            Row("ours eager 4", "ours", {"microBatchSize": 4, "compile": False}, memory_gib=60),
        ),
    ),
}
