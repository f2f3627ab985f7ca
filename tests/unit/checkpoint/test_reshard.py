"""A checkpoint of another mesh is resharded along the data axis, or refused with the reason."""

from pathlib import Path

import pytest

from llmtrain_api.parallel import ParallelDims
from llmtrain_api.stages import Stage
from llmtrain_trainer.checkpoint.manifest import CheckpointState, FileDigest, Manifest
from llmtrain_trainer.checkpoint.restore import Restorable, needs_resharding
from llmtrain_trainer.errors import UserError

SHARD = "deepspeed/zero_pp_rank_0_mp_rank_00_optim_states.pt"
WHOLE = "deepspeed/mp_rank_00_model_states.pt"


def _checkpoint(parallel: ParallelDims, file: str = SHARD) -> Restorable:
    manifest = Manifest(
        stage=Stage.PRETRAIN,
        attempt=0,
        parallel=parallel,
        fingerprint="settings",
        state=CheckpointState(step=5),
        files={file: FileDigest(size=1, sha256="ab")},
    )
    return Restorable(Path("/runs/step-00000005"), manifest)


def test_another_number_of_data_ranks_reshards_what_is_sharded() -> None:
    four, two = ParallelDims.over(4), ParallelDims.over(2)
    assert not needs_resharding(_checkpoint(four), four)
    assert needs_resharding(_checkpoint(four), two)
    assert not needs_resharding(_checkpoint(four, WHOLE), two)


@pytest.mark.parametrize("axis", ["tensor", "pipeline", "sequence", "expert"])
def test_another_size_of_any_other_axis_is_refused(axis: str) -> None:
    written = ParallelDims.over(4, **{axis: 2})
    assert not needs_resharding(_checkpoint(written), written)
    with pytest.raises(UserError, match=f"written with .*{axis} 2.*with data 4.*{axis} 1") as error:
        needs_resharding(_checkpoint(written), ParallelDims.over(4))
    assert error.value.reason == "OtherParallelism"


def test_parts_of_a_model_are_not_resharded() -> None:
    written, fewer = ParallelDims.over(8, tensor=2), ParallelDims.over(4, tensor=2)
    assert not needs_resharding(_checkpoint(written, WHOLE), fewer)
    with pytest.raises(UserError, match=r"data 4.*parallel\.tensor.*data 2") as error:
        needs_resharding(_checkpoint(written), fewer)
    assert error.value.reason == "OtherParallelism"
