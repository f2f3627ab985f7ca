"""Blocks that multiply in 8-bit floats: near the plain model, or refused."""

import copy
import dataclasses
import subprocess
import sys
from typing import Any

import pytest
import torch
from support.architectures import build_model, tiny_shape
from torch import Tensor
from transformers import PreTrainedModel

from llmtrain_api.families import Family
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.training import fp8
from llmtrain_trainer.training.forward import BatchTensors, batch_loss
from llmtrain_trainer.training.fp8 import use_fp8
from llmtrain_trainer.training.output_loss import with_output_loss

LOSS_TOLERANCE, GRADIENT_TOLERANCE = 5e-3, 0.15
"""Relative, the gradients by norm; e4m3 has 4 significant bits and e5m2 has 3."""
CPU = torch.device("cpu")


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine multiplies numbers rounded to 8 bits, as a GPU would that has such products."""
    monkeypatch.delitem(sys.modules, "torchao", raising=False)
    from torchao.float8 import Float8LinearConfig

    recipe = Float8LinearConfig.from_recipe_name

    def emulated_recipe(name: str) -> Any:
        return dataclasses.replace(recipe(name), emulate=True)

    monkeypatch.setattr(fp8, "_require_hopper", lambda _device: None)
    monkeypatch.setattr(Float8LinearConfig, "from_recipe_name", emulated_recipe)


def _loss_and_gradient(model: PreTrainedModel) -> tuple[float, Tensor]:
    random = torch.Generator().manual_seed(0)
    tokens = torch.randint(301, (2, 17), generator=random)
    loss = batch_loss(model, model, BatchTensors(tokens[:, :-1], tokens[:, 1:], None))
    loss.backward()
    gradients = [p.grad.flatten().float() for p in model.parameters() if p.grad is not None]
    return loss.item(), torch.cat(gradients)


@pytest.mark.usefixtures("emulated")
@pytest.mark.parametrize("family", [Family("llama"), Family("gpt_neox")])
def test_loss_and_gradients_are_near_those_of_the_plain_model(family: Family) -> None:
    torch.manual_seed(0)
    plain = build_model(tiny_shape(family), device="cpu", dtype=torch.bfloat16)
    changed = copy.deepcopy(plain)
    layers = use_fp8(changed, CPU)
    assert layers == 2 * {"llama": 7, "gpt_neox": 4}[family]
    assert [name for name, _ in changed.named_parameters()] == [
        name for name, _ in plain.named_parameters()
    ]
    for model in (plain, changed):
        with_output_loss(model, compiled=False)
    loss, gradient = _loss_and_gradient(plain)
    fp8_loss, fp8_gradient = _loss_and_gradient(changed)
    assert fp8_loss == pytest.approx(loss, rel=LOSS_TOLERANCE)
    error = (fp8_gradient - gradient).norm() / gradient.norm()
    assert 0 < error < GRADIENT_TOLERANCE


@pytest.mark.usefixtures("emulated")
def test_a_model_without_such_layers_is_refused() -> None:
    """The linear layers of GPT-2 are of a kind of its own."""
    with pytest.raises(UserError, match="precision: fp8 is for models whose blocks have linear"):
        use_fp8(build_model(tiny_shape(Family("gpt2"))), CPU)


def test_a_cpu_is_refused() -> None:
    with pytest.raises(
        UserError, match="needs an NVIDIA GPU, Hopper or later; set precision: bf16"
    ):
        use_fp8(build_model(tiny_shape(Family("llama"))), CPU)


def test_an_older_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA A100-SXM4-80GB")
    with pytest.raises(UserError, match="Hopper generation or later; NVIDIA A100-SXM4-80GB is"):
        use_fp8(build_model(tiny_shape(Family("llama"))), torch.device("cuda"))


@pytest.mark.slow
def test_other_precisions_do_not_pay_for_the_import_of_torchao() -> None:
    script = "import sys, llmtrain_trainer, transformers.quantizers.auto; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "transformers.quantizers.quantizer_torchao" in loaded
    assert "torchao.quantization" not in loaded
