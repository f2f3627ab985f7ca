import pytest

from llmtrain_api.spec.training import Optimizer
from llmtrain_trainer.training.schedule import learning_rate


def _rates(total_steps: int = 100, **fields: object) -> list[float]:
    optimizer = Optimizer.model_validate(
        {"learningRate": 1.0, "warmupFraction": 0.1, "finalFraction": 0.1} | fields
    )
    return [learning_rate(optimizer, step, total_steps) for step in range(total_steps)]


@pytest.mark.parametrize("schedule", ["cosine", "warmupStableDecay", "constant"])
def test_warmup_rises_in_equal_steps_to_the_peak(schedule: str) -> None:
    rates = _rates(schedule=schedule)
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert max(rates) == 1.0


def test_cosine_falls_to_the_final_fraction() -> None:
    rates = _rates(schedule="cosine")
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)
    assert rates[10 + 89 // 2] == pytest.approx(0.55, abs=0.01)


def test_warmup_stable_decay_holds_and_then_falls_in_a_line() -> None:
    rates = _rates(schedule="warmupStableDecay", decayFraction=0.2)
    assert rates[10:80] == [1.0] * 70
    assert rates[-1] == pytest.approx(0.1)
    assert rates[89] == pytest.approx(0.1 + 0.9 * 10 / 20)


def test_without_warmup_the_first_step_has_the_peak() -> None:
    assert _rates(warmupFraction=0.0)[0] == 1.0


def test_one_step_is_a_whole_schedule() -> None:
    assert _rates(total_steps=1) == [1.0]
