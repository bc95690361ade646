import threading
import time

import joblib
import pytest

from forecasting.training import EpochRecord
from forecasting.training.parallel import side_by_side


def record(member, epoch=0):
    return EpochRecord(
        member=member,
        epoch=epoch,
        epochs=1,
        train_loss=0.0,
        validation_loss=0.0,
        seconds=0.0,
    )


def test_results_come_in_order_whoever_is_first():
    def slow(on_epoch):
        time.sleep(0.1)
        return "slow"

    def fast(on_epoch):
        return "fast"

    assert side_by_side([slow, fast]) == ["slow", "fast"]


def test_every_record_is_told_in_the_callers_thread():
    told = []

    def training(on_epoch):
        for epoch in range(3):
            on_epoch(record(0, epoch))

    def tell(said):
        told.append((said.epoch, threading.current_thread()))

    side_by_side([training, training], tell)

    assert sorted(epoch for epoch, _ in told) == [0, 0, 1, 1, 2, 2]
    assert {thread for _, thread in told} == {threading.main_thread()}


def endless(on_epoch):
    """Train until somebody says that it is enough."""
    for epoch in range(10_000):
        on_epoch(record(0, epoch))
        time.sleep(0.01)
    raise AssertionError("nobody ended it")


@pytest.mark.skipif(joblib.cpu_count() < 2, reason="needs two cores")
def test_an_error_ends_the_others_and_is_raised():
    def fails(on_epoch):
        raise ValueError("it diverged")

    with pytest.raises(ValueError, match="it diverged"):
        side_by_side([fails, endless])


def test_who_listens_can_end_all():
    def stop(said):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side([endless, endless], stop)


def test_trainings_within_trainings_do_not_multiply_the_threads():
    seen = set()

    def inner(on_epoch):
        seen.add(threading.current_thread())

    def outer(on_epoch):
        side_by_side([inner, inner, inner])

    side_by_side([outer, outer])

    assert len(seen) <= 2
