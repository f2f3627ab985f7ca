"""The plan of a model in parts counts what one worker holds."""

import re

import pytest
from support.architectures import SPLIT, build_model, tiny_shape

from llmtrain_api.families import Family
from llmtrain_planner.architecture import count_parameters

PARTS = 2


@pytest.mark.parametrize("family", SPLIT)
def test_parameters_of_a_part_are_those_of_the_layers_that_are_split(family: Family) -> None:
    shape, split = tiny_shape(family), family.definition.tensor_split
    assert split is not None
    columns = re.compile(rf"(.*\.)?({'|'.join(map(re.escape, split.columns))})\.(weight|bias)")
    rows = re.compile(rf".*\.({'|'.join(map(re.escape, split.rows))})\.weight")
    held = 0
    for name, parameter in build_model(shape).named_parameters():
        is_split = columns.fullmatch(name) or rows.fullmatch(name)
        held += parameter.numel() // (PARTS if is_split else 1)
    assert count_parameters(shape.tensor_part(PARTS)) == held


@pytest.mark.parametrize("family", SPLIT)
def test_a_part_keeps_less_for_the_backward_pass_than_the_whole(family: Family) -> None:
    shape = tiny_shape(family)
    whole, part = (
        family.definition.block_activation_bytes(each, value_bytes=2, dropout=False)
        for each in (shape, shape.tensor_part(PARTS))
    )
    assert whole / PARTS < part < whole
