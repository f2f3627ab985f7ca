"""Messages among ranks."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from torch import distributed as dist

from llmtrain_api.parallel import ParallelDims
from llmtrain_trainer.checkpoint.manifest import FileDigest
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.training.mesh import Axis, Mesh, Ranks

_DIGESTS = TypeAdapter(dict[str, FileDigest])


@pytest.fixture
def group_of_one(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("group_of_one")
def test_what_ranks_exchange_is_never_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def unpickled(*_: object) -> None:
        raise AssertionError("a pickle was read")

    monkeypatch.setattr("torch.distributed.distributed_c10d._unpickler", unpickled)
    digests = {"größe.pt": FileDigest(size=3, sha256="ab")}
    assert Ranks().gather(digests, _DIGESTS) == [digests]
    assert Ranks().gather({}, _DIGESTS) == [{}]
    Ranks().barrier()


@pytest.mark.usefixtures("group_of_one")
def test_a_mesh_needs_as_many_ranks_as_its_dimensions() -> None:
    assert Mesh.join(ParallelDims.over(1)).data == Axis(rank=0, size=1)
    with pytest.raises(UserError, match=r"1 ranks were started; workers.count .* asks for 2"):
        Mesh.join(ParallelDims.over(2))


@pytest.mark.usefixtures("group_of_one")
def test_ranks_with_the_same_host_name_share_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Ranks().count_here() == 1
    names = [platform.node(), "another", platform.node()]
    monkeypatch.setattr(Ranks, "gather", lambda *_: names)
    assert Ranks().count_here() == 2
