"""Kills the ranks of a tiny training run at random instants while they save, hundreds of times.

    PYTHONPATH=tests python benchmarks/checkpoint_crashes.py --crashes 200

Two ranks save every other step, so that a checkpoint is being written nearly all the time. At each
crash rank 0, rank 1 or both get SIGKILL; the one that is left has to end by itself. After each, the
newest commit must be there and intact, and no older than the one before. A run ends after six
crashes or so, with the losses, the gradient norms and the weights of one that had none; then the
next begins.
"""

import argparse
import tempfile
from pathlib import Path

from support.crashes import Crashes, crash_often


def main() -> None:
    """Crash until there were enough crashes; print what they hit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--crashes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        crashes = Crashes(Path(folder), seed=arguments.seed)
        for runs in crash_often(crashes, arguments.crashes):
            print(
                f"{crashes.count} crashes in {runs} runs: {crashes.while_writing} left a half "
                "written checkpoint; each run had the losses and weights of one without crashes",
                flush=True,
            )


if __name__ == "__main__":
    main()
