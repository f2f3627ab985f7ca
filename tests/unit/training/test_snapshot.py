"""The copy of a state makes the files that the state itself would have made."""

import io
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from llmtrain_trainer.training.snapshot import HostBuffers, StateCopy, storages


class _Plain:
    """An object that holds no tensors, such as DeepSpeed's loss scaler."""

    def __init__(self) -> None:
        self.scale = 2.0


def _state(seed: int) -> dict[str, object]:
    generator = torch.Generator().manual_seed(seed)
    flat = torch.randn(64, generator=generator)
    weights = nn.Embedding(4, 8)
    module = nn.ModuleDict({"embedding": weights, "head": nn.Linear(8, 4, bias=False)})
    module["head"].weight = weights.weight  # tied: one storage
    empty, flat.zero_id = torch.empty(0), [1]  # type: ignore[attr-defined]
    betas, shared = (0.9, 0.95), {"mode": "max"}
    with torch.no_grad():
        weights.weight.copy_(flat[:32].view(4, 8))
    return {
        "module": module.state_dict(),
        "views": OrderedDict(a=flat[:16].view(4, 4), b=flat[16:48].view(8, 4).t(), empty=flat[:0]),
        "partitions": [flat.clone().requires_grad_(), empty, empty.detach(), torch.empty(0)],
        "moments": {0: {"step": torch.tensor(3.0), "exp_avg": flat.double()}},
        "parameter": nn.Parameter(flat.bfloat16()),
        "shape": torch.Size([4, 8]),
        "pair": (flat, 7, "text", None),
        "groups": [{"betas": betas, "shared": shared}, {"betas": betas, "shared": shared}],
    }


def _saved(state: object) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def test_a_copy_is_saved_byte_for_byte_like_the_original() -> None:
    buffers = HostBuffers()
    for seed in range(3):  # the second and the third overwrite the first one's memory
        buffers.start_over()
        state = _state(seed)
        assert _saved(StateCopy(buffers).copied(state)) == _saved(state)


def test_the_next_snapshot_needs_no_more_memory() -> None:
    buffers = HostBuffers()
    first = StateCopy(buffers).copied(_state(0)["moments"])
    addresses = _addresses(first)
    buffers.start_over()
    assert _addresses(StateCopy(buffers).copied(_state(1)["moments"])) == addresses


def test_the_memory_that_a_snapshot_needs_is_known_before(tmp_path: Path) -> None:
    buffers, state = HostBuffers(), _state(0)
    StateCopy(buffers).copied(state)
    assert sum(storages(state).values()) == buffers.num_bytes
    torch.save(state, tmp_path / "state.pt")
    assert 0 < buffers.num_bytes < (tmp_path / "state.pt").stat().st_size


def test_a_state_of_other_sizes_gets_other_memory() -> None:
    buffers = HostBuffers()
    StateCopy(buffers).copied([torch.ones(4), torch.ones(8)])
    buffers.start_over()
    state = [torch.arange(3.0), torch.arange(8.0), torch.arange(2.0)]
    assert _saved(StateCopy(buffers).copied(state)) == _saved(state)


def test_what_happens_to_the_original_afterwards_does_not_show_in_the_copy() -> None:
    state = {"weights": torch.ones(8), "plain": _Plain(), "list": [1]}
    copied = StateCopy(HostBuffers()).copied(state)
    assert isinstance(state["weights"], Tensor)
    state["weights"].zero_()
    state["plain"].scale = 0.0  # type: ignore[attr-defined]
    state["list"].append(2)  # type: ignore[attr-defined]
    assert isinstance(copied, dict)
    assert copied["weights"].tolist() == [1.0] * 8
    assert copied["plain"].scale == 2.0
    assert copied["list"] == [1]


def _addresses(state: object) -> list[int]:
    if isinstance(state, Tensor):
        return [state.data_ptr()]
    assert isinstance(state, dict)
    return [address for each in state.values() for address in _addresses(each)]
