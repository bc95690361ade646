import threading
import time

import joblib
import pytest

from forecasting.training import EpochRecord
from forecasting.training.parallel import run_trainings


def record(member, epoch=0):
    return EpochRecord(
        member=member,
        epoch=epoch,
        epochs=1,
        train_loss=0.0,
        validation_loss=0.0,
        seconds=0.0,
    )


def test_results_come_in_order_whichever_ends_first():
    def slow(on_epoch):
        time.sleep(0.1)
        return "slow"

    def fast(on_epoch):
        return "fast"

    assert run_trainings([slow, fast]) == ["slow", "fast"]


def test_every_record_is_reported_in_the_callers_thread():
    reported = []

    def training(on_epoch):
        for epoch in range(3):
            on_epoch(record(0, epoch))

    def collect(record):
        reported.append((record.epoch, threading.current_thread()))

    run_trainings([training, training], collect)

    assert sorted(epoch for epoch, _ in reported) == [0, 0, 1, 1, 2, 2]
    assert {thread for _, thread in reported} == {threading.main_thread()}


def endless(on_epoch):
    """Train until cancelled."""
    for epoch in range(10_000):
        on_epoch(record(0, epoch))
        time.sleep(0.01)
    raise AssertionError("the training was not cancelled")


@pytest.mark.skipif(joblib.cpu_count() < 2, reason="needs two cores")
def test_an_error_ends_the_others_and_is_raised():
    def fails(on_epoch):
        raise ValueError("it diverged")

    with pytest.raises(ValueError, match="it diverged"):
        run_trainings([fails, endless])


def test_an_error_in_on_epoch_cancels_all_trainings():
    def stop(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trainings([endless, endless], stop)


def test_trainings_within_trainings_do_not_multiply_the_threads():
    threads = set()

    def inner(on_epoch):
        threads.add(threading.current_thread())

    def outer(on_epoch):
        run_trainings([inner, inner, inner])

    run_trainings([outer, outer])

    assert len(threads) <= 2
