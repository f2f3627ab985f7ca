"""A model that cannot be split is refused before anything is trained, with what would be right."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError
from support.architectures import SPLIT, tiny_shape
from support.cluster.jobs import full_pipeline_job

from llmtrain_api.families import Family
from llmtrain_api.job import JobSpec
from llmtrain_api.tensor_rules import shape_fault


def _spec(model: dict[str, Any], tensor: int, replicas: int = 4) -> dict[str, Any]:
    spec: dict[str, Any] = copy.deepcopy(full_pipeline_job()["spec"])
    spec["model"] |= model
    spec["pretrain"]["parallel"] = {"tensor": tensor}
    spec["compute"] = {"trainers": {"replicas": replicas}}
    return spec


@pytest.mark.parametrize("family", SPLIT)
def test_a_family_that_is_split_is_taken(family: Family) -> None:
    spec = JobSpec.model_validate(_spec({"family": family}, 2))
    assert spec.pretrain is not None
    assert spec.pretrain.parallel.tensor == 2


@pytest.mark.parametrize("family", [family for family in Family if family not in SPLIT])
def test_a_family_that_is_not_split_is_refused(family: Family) -> None:
    message = rf"pretrain\.parallel\.tensor above 1 is for .*llama.*; set 1 for {family}"
    with pytest.raises(ValidationError, match=message):
        JobSpec.model_validate(_spec({"family": family}, 2) | {"finetune": None})
    assert "above 1" in str(shape_fault(tiny_shape(family), 2))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"heads": 2}, "must divide model.heads; 4 does not divide 2"),
        ({"keyValueHeads": 2}, "must divide model.keyValueHeads; 4 does not divide 2"),
        ({"intermediateSize": 126}, "must divide model.intermediateSize; 4 does not divide 126"),
        ({"dropout": 0.1}, "needs a model without dropout; set model.dropout: 0"),
    ],
)
def test_sizes_that_are_not_divided_are_refused(model: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        JobSpec.model_validate(_spec(model, 4))


def test_parts_divide_the_workers_and_one_model_takes_one_share_of_the_batch() -> None:
    with pytest.raises(ValidationError, match=r"number of workers .*; 2 does not divide 3"):
        JobSpec.model_validate(_spec({}, 2, replicas=3))
    batch = {"batchTokens": 3 * 128}
    spec = _spec({}, 2, replicas=6)
    spec["pretrain"] |= batch
    spec["finetune"]["batchTokens"] = 6 * 128
    assert JobSpec.model_validate(spec).pretrain is not None
    spec["pretrain"]["parallel"] = {"tensor": 1}
    with pytest.raises(ValidationError, match="batchTokens must be a multiple"):
        JobSpec.model_validate(spec)


def test_the_shape_of_a_folder_is_looked_at_as_the_manifest_s() -> None:
    shape = tiny_shape(Family.LLAMA)
    assert shape_fault(shape, 2) is None
    assert "heads, 4" in str(shape_fault(shape, 3))
