from llmtrain_api.spec.pretrain import EarlyStopping
from llmtrain_trainer.training.validation import StoppingState


def test_patience_counts_validations_in_a_row_that_did_not_improve() -> None:
    rule = EarlyStopping(patience=2, min_delta=0.1)
    state = StoppingState()
    exhausted = []
    for loss in (3.0, 2.95, 2.8, 2.75, 2.79):  # only 2.8 improves on 3.0 by more than 0.1
        state = state.after(loss, rule)
        exhausted.append(state.exhausted(rule))
    assert exhausted == [False, False, False, False, True]
    assert state.best == 2.8
