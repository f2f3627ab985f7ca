"""Reads the hostile inputs of a folder in a process of its own, and prints what becomes of each."""

import json
import resource
import sys
from pathlib import Path

from support.hostile_inputs import hostile_inputs
from support.stage_context import stage_context

from llmtrain_api.spec.data import Data, Files
from llmtrain_trainer.data.pipeline import work_on_shard
from llmtrain_trainer.data.report import Tally
from llmtrain_trainer.data.sources.files import file_shards
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.errors import UserError

_ADDRESS_SPACE_BYTES = 8 * 2**30
"""Where nothing bounds the memory, this does, so that the machine survives."""


def _read(folder: Path, files: Files) -> tuple[Tally, str]:
    """The counts of all that was read, and the error that it ended with."""
    data = Data.model_validate({"sources": [{"files": files}]})
    tally = Tally()
    try:
        for shard in file_shards(files, stage_context("data", folder)):
            for batch in work_on_shard(SourceShard(shard, 0), data):
                tally += batch.tally
    except UserError as error:
        return tally, error.message
    return tally, ""


def _peak_bytes() -> int:
    """The most memory that this program has had; `getrusage` counts the one before it too."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Read the inputs of `FOLDER/0`, `FOLDER/1` and so on; each prints a line of JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    for number, case in enumerate(hostile_inputs()):
        files = Files.model_validate({"paths": [case.name], **case.settings})
        tally, error = _read(Path(sys.argv[1]) / str(number), files)
        outcome = {
            "error": error,
            "documents": sum(size.documents for size in tally.read.values()),
            "bad_rows": tally.num_bad_rows,
            "skipped": {kind: each.count for kind, each in tally.skipped.items()},
            "peak_bytes": _peak_bytes(),
        }
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
