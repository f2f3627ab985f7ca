"""Kills a tiny training run at random instants while it restores from a bucket, or copies to it.

    make object-stores
    PYTHONPATH=tests python benchmarks/mirror_crashes.py --crashes 200

The bucket is moto's, spoken to over HTTP. The run saves every other step, so that a checkpoint is
being copied nearly all the time. Each crash is a SIGKILL of the driver, which is the only rank too,
and the next attempt gets an empty claim. After each, the newest copy must be no older than the one
before. A run ends after six crashes or so, with the losses, the gradient norms and the weights of
one that had none; then the next begins.
"""

import argparse
import os
import tempfile
from pathlib import Path

from support.crashes import CRASHES_OF_A_RUN, crash_often
from support.mirror_crashes import MirrorCrashes
from support.s3_server import S3Server


def main() -> None:
    """Crash until there were enough crashes; print what they hit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--crashes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, S3Server() as server:
        os.environ |= server.environment
        crashes = MirrorCrashes(Path(folder), server, seed=arguments.seed)
        for runs in crash_often(crashes, arguments.crashes):
            print(
                f"{crashes.count} crashes in {runs} runs, {crashes.while_copying} in the middle "
                f"of an upload, {crashes.while_restoring} of a restore; resumed from steps "
                f"{crashes.resumed_from[-CRASHES_OF_A_RUN:]}; each run had the losses and weights "
                "of one without crashes",
                flush=True,
            )


if __name__ == "__main__":
    main()
