"""The learning rate as a function of the step."""

import math

from llmtrain_api.spec.training import Optimizer, Schedule


def learning_rate(optimizer: Optimizer, step: int, total_steps: int) -> float:
    """The learning rate of one optimizer step.

    It rises linearly over the warmup, so that even step 0 learns; then it follows a cosine to
    `finalFraction` of the peak (Loshchilov & Hutter 2017), or holds the peak and falls linearly at
    the end (warmup-stable-decay, Hu et al. 2024), or holds it.

    Args:
        optimizer: the manifest's section.
        step: from 0.
        total_steps: steps of the whole stage.
    """
    peak, floor = optimizer.learning_rate, optimizer.learning_rate * optimizer.final_fraction
    warmup_steps = math.ceil(optimizer.warmup_fraction * total_steps)
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    match optimizer.schedule:
        case Schedule.COSINE:
            done = (step - warmup_steps) / max(1, total_steps - 1 - warmup_steps)
            return floor + (peak - floor) * (1 + math.cos(math.pi * min(done, 1.0))) / 2
        case Schedule.WARMUP_STABLE_DECAY:
            decay_steps = max(1, math.ceil(optimizer.decay_fraction * total_steps))
            left = min(1.0, (total_steps - 1 - step) / decay_steps)
            return floor + (peak - floor) * max(left, 0.0)
        case Schedule.CONSTANT:
            return peak
