"""Blocks are compiled one by one: one graph for all of them, and none after warm-up."""

import shutil
from collections.abc import Iterator

import pytest
import torch
from support.architectures import build_model, tiny_shape
from torch._dynamo.utils import counters

from llmtrain_api.families import Family
from llmtrain_trainer.training.compiling import CompileWatch, compile_blocks, is_compiled
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
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("family", Family)
def test_blocks_share_one_graph_and_the_loss_stays(
    *, family: Family, packed: bool, recomputed: bool
) -> None:
    model = build_model(tiny_shape(family, layers=LAYERS), device="cpu", dtype=torch.float32)
    with_output_loss(model)
    if recomputed:
        model.activation_checkpointing_enable({"use_reentrant": False})
    parameters = list(model.parameters())
    ids = torch.randint(301, (2, 16), generator=torch.Generator().manual_seed(0))
    segments = torch.tensor([[0] * 8 + [1] * 8] * 2) if packed else None
    batch = BatchTensors(ids, ids.roll(-1), segments)
    plain = batch_loss(model, model, batch)
    expected = torch.autograd.grad(plain, parameters)

    assert compile_blocks(model, whole=True, backend="aot_eager") == LAYERS
    for _ in range(2):
        loss = batch_loss(model, model, batch)
        torch.testing.assert_close(loss, plain)
        torch.testing.assert_close(torch.autograd.grad(loss, parameters), expected)
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]


def test_blocks_are_compiled_by_default_where_that_pays_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert is_compiled(None, torch.device("cuda"))
    assert not is_compiled(None, torch.device("cpu"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not is_compiled(None, torch.device("cuda"))
    assert "no C++ compiler" in caplog.text


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
