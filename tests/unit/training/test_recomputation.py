"""Whatever blocks recompute or offload, losses and gradients stay, bit for bit."""

from collections.abc import Iterator
from itertools import product
from weakref import ref

import numpy as np
import pytest
import torch
from support.architectures import PACKING, build_model, tiny_shape
from torch import Tensor
from transformers import PreTrainedModel

from llmtrain_api.families import Family
from llmtrain_api.spec.training import ActivationCheckpointing
from llmtrain_trainer.training.compiling import blocks_of, compile_blocks
from llmtrain_trainer.training.documents import Documents
from llmtrain_trainer.training.forward import BatchTensors, batch_loss
from llmtrain_trainer.training.offloading import offload_inputs
from llmtrain_trainer.training.recomputation import recompute_blocks

pytestmark = pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # torch looks itself
LAYERS = 3
KINDS = (Family.GPT2, Family.LLAMA, Family.GPTJ, Family.GEMMA3_TEXT, Family.MIXTRAL)
OTHERS = [way for way in ActivationCheckpointing if way not in {"auto", "none"}]


@pytest.fixture(autouse=True)
def _new_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def _model(family: Family, how: ActivationCheckpointing, *, compiled: bool) -> PreTrainedModel:
    torch.manual_seed(0)
    model = build_model(tiny_shape(family, layers=LAYERS), device="cpu")
    recompute_blocks(model, how)
    if compiled:
        compile_blocks(model, whole=True, backend="aot_eager")
    if how is ActivationCheckpointing.OFFLOAD:
        offload_inputs(model)
    return model


def _gradients(model: PreTrainedModel, batch: BatchTensors) -> list[Tensor]:
    """The loss and the gradients of two micro batches, one after the other."""
    losses = []
    for _ in range(2):
        loss = batch_loss(model, model, batch)
        loss.backward()
        losses.append(loss.detach())
    return [*losses, *(p.grad for p in model.parameters() if p.grad is not None)]


@pytest.mark.parametrize("how", OTHERS)
@pytest.mark.parametrize(
    ("family", "packed", "compiled"),
    [
        *product(Family, [False], [False]),
        *product(PACKING, [True], [False]),
        # The others' blocks are like one of these.
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in product(KINDS, [False, True], [True])
        ),
    ],
)
def test_losses_and_gradients_stay(
    *, family: Family, how: ActivationCheckpointing, packed: bool, compiled: bool
) -> None:
    ids = torch.randint(301, (2, 16), generator=torch.Generator().manual_seed(0))
    documents = Documents.of(np.arange(32).reshape(2, 16) // 5).to(ids.device)
    batch = BatchTensors(ids, ids.roll(-1), documents if packed else None)
    plain = _model(family, ActivationCheckpointing.NONE, compiled=compiled)
    found = _gradients(_model(family, how, compiled=compiled), batch)
    expected = _gradients(plain, batch)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("compiled", [False, True])
def test_offloaded_inputs_leave_the_device(*, compiled: bool) -> None:
    model = _model(Family.LLAMA, ActivationCheckpointing.OFFLOAD, compiled=compiled)
    ids = torch.randint(301, (2, 16))
    inputs: list[ref[Tensor]] = []
    for block in blocks_of(model):
        block.register_forward_pre_hook(lambda _, args: inputs.append(ref(args[0])))
    loss = batch_loss(model, model, BatchTensors(ids, ids, None))
    assert [each() for each in inputs] == [None] * LAYERS
    loss.backward()
