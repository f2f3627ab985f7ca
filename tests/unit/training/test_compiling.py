"""Blocks are compiled one by one: one graph for all of them, and none after warm-up."""

import shutil
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
import torch
from support.architectures import COMPILED, PACKING, WITHOUT_MASKS, build_model, tiny_shape
from torch._dynamo.utils import counters
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from llmtrain_api.families import DEFAULT_FAMILY, Family
from llmtrain_api.spec.training import ActivationCheckpointing
from llmtrain_trainer.training.compiling import (
    CompileWatch,
    compile_blocks,
    is_compiled,
    may_compile,
)
from llmtrain_trainer.training.documents import Documents
from llmtrain_trainer.training.forward import BatchTensors, batch_loss
from llmtrain_trainer.training.output_loss import with_output_loss

LAYERS = 3


@pytest.fixture(autouse=True)
def _new_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # torch looks itself
@pytest.mark.slow
@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize(
    ("family", "packed"),
    [*product(COMPILED, [False]), *product([each for each in PACKING if each in COMPILED], [True])],
)
def test_blocks_share_one_graph_and_the_loss_stays(
    *, family: Family, packed: bool, recomputed: bool
) -> None:
    model = build_model(tiny_shape(family, layers=LAYERS), device="cpu", dtype=torch.float32)
    with_output_loss(model)
    if recomputed:
        model.activation_checkpointing_enable({"use_reentrant": False})
    parameters = list(model.parameters())
    batches = [_batch(seed, packed=packed) for seed in range(4)]
    plain = [batch_loss(model, model, batch) for batch in batches]
    expected = [torch.autograd.grad(loss, parameters) for loss in plain]

    assert compile_blocks(model, whole=True, backend="aot_eager") == LAYERS
    for batch, wanted, gradients in zip(batches, plain, expected, strict=True):
        loss = batch_loss(model, model, batch)
        torch.testing.assert_close(loss, wanted)
        torch.testing.assert_close(torch.autograd.grad(loss, parameters), gradients)
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("family", WITHOUT_MASKS)
def test_so_do_blocks_for_packed_documents_on_a_gpu(
    family: Family, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    with FakeTensorMode(allow_non_fake_inputs=True, shape_env=ShapeEnv()), torch.no_grad():
        model = build_model(tiny_shape(family, layers=LAYERS), device="cuda", dtype=dtype)
        compile_blocks(model, whole=True, backend="eager")
        for seed in range(4):
            batch_loss(model, model, _batch(seed, packed=True).to(torch.device("cuda")))
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]


def _batch(seed: int, *, packed: bool) -> BatchTensors:
    """Sequences, each with another number of documents where they are packed."""
    ids = torch.randint(301, (2, 16), generator=torch.Generator().manual_seed(seed))
    if not packed:
        return BatchTensors(ids, ids.roll(-1), None)
    segments = np.arange(16) // (8 - seed)
    documents = Documents.of(np.stack([segments, segments]))
    return BatchTensors(ids, ids.roll(-1), documents.to(ids.device))


def test_blocks_are_compiled_by_default_where_that_pays_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert is_compiled(None, torch.device("cuda"))
    assert not is_compiled(None, torch.device("cpu"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not is_compiled(None, torch.device("cuda"))
    assert "no C++ compiler" in caplog.text


def test_blocks_with_experts_are_compiled_unless_they_are_recomputed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    none, full = ActivationCheckpointing.NONE, ActivationCheckpointing.FULL
    dense, experts = (build_model(tiny_shape(each)) for each in (DEFAULT_FAMILY, Family.MIXTRAL))
    assert may_compile(dense, balanced=False, recomputed=full)
    assert may_compile(experts, balanced=True, recomputed=none)
    assert not may_compile(experts, balanced=True, recomputed=full)
    assert caplog.messages == ["blocks with experts are not compiled where they are computed again"]


def test_blocks_that_torch_fails_on_are_not_compiled(caplog: pytest.LogCaptureFixture) -> None:
    model = build_model(tiny_shape(Family.BLOOM))
    assert not may_compile(model, balanced=False, recomputed=ActivationCheckpointing.NONE)
    assert caplog.messages == ["blocks of the family bloom are not compiled: torch fails on them"]


def test_graphs_after_warm_up_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    watch = CompileWatch()
    counters["stats"]["unique_graphs"] = 3
    for _ in range(3):
        watch.after_step()
    assert caplog.messages == ["torch.compile made 3 graphs, with 0 graph breaks"]
    counters["stats"]["unique_graphs"] = 5
    watch.after_step()
    assert "2 more graphs after warm-up, in step 4" in caplog.messages[-1]
