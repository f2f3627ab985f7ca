"""Reads TensorBoard's event files, which nothing else here needs the program for."""

import struct
from pathlib import Path
from typing import Any


def events(path: Path) -> list[Any]:
    """The events of a file: https://www.tensorflow.org/tutorials/load_data/tfrecord."""
    from tensorboardX.proto.event_pb2 import Event

    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        found.append(Event.FromString(data[12 : 12 + length]))
        data = data[12 + length + 4 :]
    return found


def scalars(folder: Path, tag: str) -> dict[int, float]:
    """The values of a tag by step, as TensorBoard shows them: repeated steps are hidden."""
    shown: dict[int, float] = {}
    for path in sorted(folder.iterdir(), key=lambda path: int(path.suffix[1:])):
        for event in events(path):
            if event.session_log.status:
                shown = {step: value for step, value in shown.items() if step < event.step}
            for value in event.summary.value:
                if value.tag == tag:
                    shown[event.step] = value.simple_value
    return shown
