"""Explores at random: round by round, every test that draws its input draws a new one.

python scripts/fuzz.py --seconds 900      rounds until the time is up
python scripts/fuzz.py --seed 7           the round of this seed, once more
"""

import argparse
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Make rounds; returns 1 after the first in which a test failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=900, help="no round begins later")
    parser.add_argument("--seed", type=int, help="of one round")
    options = parser.parse_args()
    if options.seed is not None:
        return _round(options.seed)
    end, rounds = time.monotonic() + options.seconds, 0
    while rounds == 0 or time.monotonic() < end:
        rounds += 1
        seed = secrets.randbelow(2**32)
        print(f"== round {rounds}, seed {seed}", flush=True)
        if _round(seed) != 0:
            print(f"== found something; to repeat it: make fuzz SEED={seed}")
            return 1
    print(f"== {rounds} rounds have found nothing")
    return 0


def _round(seed: int) -> int:
    """Run the tests that draw their input, which hypothesis marks, in the exploring profile."""
    command = [sys.executable, "-m", "pytest", "--quiet", "--numprocesses=2", "--dist=loadfile"]
    options = ["--hypothesis-profile=exploring", f"--hypothesis-seed={seed}"]
    marked = ["-m", "hypothesis and not node"]
    return subprocess.run([*command, *options, *marked], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
