"""The arithmetic of a mesh whose other axes are not 1: who trains on what, counted once."""

from collections import defaultdict

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from llmtrain_api.batch import BatchLayout, batch_layout
from llmtrain_api.parallel import ParallelDims
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_trainer.training.layout import loss_scale, micro_batches, validation_batches
from llmtrain_trainer.training.mesh import Place
from llmtrain_trainer.training.samples import SampleOrder, seed_step, step_positions

MESHES = [
    ParallelDims(data=4),
    ParallelDims(data=2, tensor=2),
    ParallelDims(data=2, sequence=4),
    ParallelDims(data=2, pipeline=3),
    ParallelDims(data=4, expert=2),
    ParallelDims(data=2, sequence=2, tensor=2, pipeline=2, expert=4),
]
each_mesh = pytest.mark.parametrize("dims", MESHES, ids=repr)


def _places(dims: ParallelDims) -> list[Place]:
    return [Place(dims, rank) for rank in range(dims.ranks)]


def _batch(dims: ParallelDims) -> BatchLayout:
    training = Pretrain(sequence_length=16, batch_tokens=16 * dims.data * 6, micro_batch_size=3)
    return batch_layout(training, dims)


def _model_part(place: Place) -> tuple[int, int]:
    return place.pipeline.rank, place.tensor.rank


@each_mesh
def test_every_rank_has_a_place_of_its_own(dims: ParallelDims) -> None:
    places = {(p.pipeline.rank, p.data.rank, p.sequence.rank, p.tensor.rank) for p in _places(dims)}
    assert places == set(np.ndindex(dims.pipeline, dims.data, dims.sequence, dims.tensor))


def test_tensor_ranks_are_neighbours_and_pipeline_stages_lie_apart() -> None:
    first, second, last = (Place(MESHES[-1], rank) for rank in (0, 1, 15))
    assert (first.tensor.rank, second.tensor.rank) == (0, 1)
    assert first.data.rank == second.data.rank
    assert [first.pipeline.rank, last.pipeline.rank] == [0, 1]
    assert Place(MESHES[-1], 7).pipeline.rank == 0


@each_mesh
def test_each_part_of_the_model_sees_each_sequence_of_the_batch_once(dims: ParallelDims) -> None:
    batch = _batch(dims)
    numbers = SampleOrder(1000, seed=7).at(step_positions(3, batch.sequences))
    seen = defaultdict(list)
    for place in _places(dims):
        share = micro_batches(numbers, batch, place)
        assert share.shape == (2, 3)
        seen[place.pipeline.rank, place.tensor.rank, place.sequence.rank] += (
            share.flatten().tolist()
        )
    assert len(seen) == dims.pipeline * dims.tensor * dims.sequence
    assert all(sorted(each) == sorted(numbers) for each in seen.values())


@each_mesh
def test_ranks_of_one_model_train_on_the_same_sequences(dims: ParallelDims) -> None:
    batch = _batch(dims)
    numbers = np.arange(batch.sequences)
    shares = {(p.data.rank, micro_batches(numbers, batch, p).tobytes()) for p in _places(dims)}
    assert len(shares) == dims.data


def test_where_all_ranks_share_the_data_the_shares_are_those_of_the_flat_world() -> None:
    dims = ParallelDims.over(4)
    batch = _batch(dims)
    numbers = np.arange(batch.sequences)
    for place in _places(dims):
        assert (place.data.rank, place.random_stream, place.counts_loss) == (
            place.rank,
            place.rank,
            True,
        )
        flat = numbers.reshape(2, 4, 3)[:, place.rank]
        assert (micro_batches(numbers, batch, place) == flat).all()


@each_mesh
def test_the_losses_that_count_add_up_to_the_loss_of_the_batch(dims: ParallelDims) -> None:
    batch = _batch(dims)
    numbers = np.arange(batch.sequences)
    nats = np.arange(1, batch.sequences + 1) * dims.sequence  # a multiple: positions are split
    counted = sum(
        nats[micro_batches(numbers, batch, place)].sum() // dims.sequence
        for place in _places(dims)
        if place.counts_loss
    )
    assert counted == nats.sum()


@each_mesh
def test_the_averaged_gradient_is_that_of_the_mean_over_labels(dims: ParallelDims) -> None:
    batch = _batch(dims)
    numbers = np.arange(batch.sequences)
    gradients = np.arange(1, batch.sequences + 1) * 1.5
    num_labels = 37
    by_part = defaultdict(list)
    for place in _places(dims):
        for micro in micro_batches(numbers, batch, place):
            summed = gradients[micro].sum() / dims.sequence
            by_part[_model_part(place)].append(summed * loss_scale(batch, num_labels))
    assert len(by_part) == dims.pipeline * dims.tensor
    for parts in by_part.values():
        assert np.mean(parts) == pytest.approx(gradients.sum() / num_labels)


@each_mesh
def test_only_tensor_ranks_of_one_place_draw_the_same_random_numbers(dims: ParallelDims) -> None:
    drawn = defaultdict(set)
    for place in _places(dims):
        seed_step(7, 3, place.random_stream)
        numbers = tuple(torch.rand(4).tolist())
        drawn[numbers].add((place.pipeline.rank, place.data.rank, place.sequence.rank))
    assert len(drawn) == dims.ranks // dims.tensor
    assert all(len(places) == 1 for places in drawn.values())


@each_mesh
@pytest.mark.parametrize("num_sequences", [1, 12, 25])
def test_a_validation_reads_each_sequence_once_in_as_many_passes_on_all_ranks(
    dims: ParallelDims, num_sequences: int
) -> None:
    counted = []
    passes = set()
    for place in _places(dims):
        batches = list(validation_batches(num_sequences, 3, place))
        passes.add(len(batches))
        if place.counts_loss and place.sequence.rank == 0:
            counted += np.concatenate(batches).tolist()
    assert len(passes) == 1
    assert sorted(n for n in counted if n < num_sequences) == list(range(num_sequences))


def test_the_data_axis_takes_what_the_others_leave() -> None:
    dims = ParallelDims.over(24, tensor=2, pipeline=3, sequence=2)
    assert (dims.data, dims.ranks, dims.zero_ranks) == (2, 24, 4)


def test_axes_that_do_not_divide_the_ranks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"4 x 1 x 1 = 4, must divide .* 6 is no multiple"):
        ParallelDims.over(6, tensor=4)
    with pytest.raises(ValidationError, match=r"expert must divide data x sequence, 4 x 1 = 4; 3"):
        ParallelDims.over(4, expert=3)
