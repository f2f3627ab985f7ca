"""Packing: the choice of conversations that share a sequence."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence


def pack(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Best-fit decreasing bin packing (Johnson 1973), the same for the same lengths.

    The longest comes first, each goes where the least room is left over. It needs at most 11/9 of
    the fewest possible sequences, and one more.

    Args:
        lengths: in tokens, each from 1 to `capacity`.
        capacity: tokens of a sequence.

    Returns:
        For each sequence the numbers of its conversations; each number once.
    """
    sequences: list[list[int]] = []
    with_room: dict[int, list[int]] = defaultdict(list)  # room left: sequences
    rooms: list[int] = []  # the keys of `with_room`, sorted
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        length = lengths[number]
        place = bisect_left(rooms, length)
        if place < len(rooms):
            room = rooms[place]
            chosen = with_room[room].pop()
            if not with_room[room]:
                del with_room[room], rooms[place]
            sequences[chosen].append(number)
        else:
            room, chosen = capacity, len(sequences)
            sequences.append([number])
        left = room - length
        if left:
            if left not in with_room:
                insort(rooms, left)
            with_room[left].append(chosen)
    return sequences
