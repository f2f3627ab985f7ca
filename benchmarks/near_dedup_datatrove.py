"""datatrove's side of `benchmarks/near_dedup.py`; it runs in a Python that has datatrove.

It deduplicates a file of JSON lines into a folder, and prints the CPU seconds and, for each
document of a cluster, the number of the cluster.
"""

import json
import struct
import sys
import time
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.word_tokenizers import load_word_tokenizer

_LANGUAGE = "eng"


def main() -> None:
    """Deduplicate the documents of the folder that is named, into the other one."""
    inputs, home = sys.argv[1:]
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    load_word_tokenizer(_LANGUAGE).word_tokenize("It is loaded before the time counts.")
    signatures, buckets, clusters = (f"{home}/{name}" for name in ("sigs", "buckets", "clusters"))
    stages: list[tuple[list[PipelineStep], int]] = [
        ([JsonlReader(inputs), MinhashDedupSignature(signatures, config, _LANGUAGE)], 1),
        ([MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets),
        ([MinhashDedupCluster(buckets, clusters, config, save_cluster_id=True)], 1),
        (
            [
                JsonlReader(inputs),
                MinhashDedupFilter(clusters),
                JsonlWriter(f"{home}/kept", compression=None),
            ],
            1,
        ),
    ]
    started = time.process_time()
    for number, (pipeline, tasks) in enumerate(stages):
        logs = f"{home}/logs-{number}"
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=logs).run()
    seconds = time.process_time() - started
    pairs = struct.iter_unpack("<II", Path(clusters, "000000.clusters").read_bytes())
    kept = sum(1 for file in Path(home, "kept").iterdir() for _ in file.open())
    print(json.dumps({"seconds": seconds, "clusters": [*pairs], "kept": kept}))


if __name__ == "__main__":
    main()
