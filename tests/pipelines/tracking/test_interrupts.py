"""SIGTERM and Ctrl-C: raised at once, except inside a database transaction."""

import signal
import sqlite3
import time

import pytest
import sqlalchemy

from pipelines.errors import Interrupted
from pipelines.tracking import interrupts
from pipelines.tracking.interrupts import acknowledge_interrupt, interruptible

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def busy_wait(seconds=20.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.001)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_raises_at_once(number):
    @interruptible()
    def block():
        signal.raise_signal(number)
        pytest.fail("nothing was raised")

    with pytest.raises(Interrupted):
        block()


def engine_whose_commit_is_interrupted(url, number, then=lambda: None):
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.StaticPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE kept (x INTEGER)"))

    @sqlalchemy.event.listens_for(engine, "commit")
    def interrupt(_connection):
        signal.raise_signal(number)
        then()

    return engine


def insert(engine):
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO kept VALUES (1)"))


@pytest.mark.parametrize("number", SIGNALS)
def test_one_that_comes_inside_a_transaction_waits_until_its_end(tmp_path, number):
    url = f"sqlite:///{tmp_path}/some.db"
    engine = engine_whose_commit_is_interrupted(url, number)

    @interruptible()
    def block():
        insert(engine)
        busy_wait()

    with pytest.raises(Interrupted):
        block()
    engine.dispose()

    with sqlite3.connect(tmp_path / "some.db") as connection:
        assert connection.execute("SELECT x FROM kept").fetchall() == [(1,)]
    connection.close()


def test_a_database_that_never_ends_is_left_after_a_while(monkeypatch):
    monkeypatch.setattr(interrupts, "MAX_DATABASE_WAIT_SECONDS", 1.0)
    waited = []

    def never_end():
        time.sleep(0.05)
        waited.append(True)
        busy_wait()
        waited.append(False)

    engine = engine_whose_commit_is_interrupted("sqlite://", signal.SIGTERM, never_end)

    with pytest.raises(Interrupted):
        interruptible()(insert)(engine)
    engine.dispose()

    assert waited == [True]


class RaisingDestructor:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_a_destructor_swallows_comes_again(monkeypatch):
    monkeypatch.setattr(interrupts, "UNACKNOWLEDGED_RETRY_SECONDS", 0.1)

    @interruptible()
    def block():
        RaisingDestructor()
        busy_wait()

    with pytest.raises(Interrupted):
        block()


def catch(number):
    """Return whether a signal raised its exception and acknowledge it."""
    try:
        signal.raise_signal(number)
    except Interrupted as error:
        return acknowledge_interrupt(error)
    return False


def test_what_is_done_after_it_was_acknowledged_is_not_interrupted(monkeypatch):
    monkeypatch.setattr(interrupts, "UNACKNOWLEDGED_RETRY_SECONDS", 0.05)

    with interruptible():
        assert catch(signal.SIGTERM)
        time.sleep(0.3)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_interrupts_what_is_done_after_the_first(number):
    with interruptible():
        assert catch(number)
        assert catch(number)


@interruptible()
def break_something():
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        raise OSError("closed twice")


def test_what_it_breaks_on_its_way_does_not_hide_it():
    with pytest.raises(Interrupted) as raised:
        break_something()

    assert isinstance(raised.value.__cause__, OSError)


def test_an_error_without_a_signal_stays_what_it_is():
    with pytest.raises(OSError, match="full") as raised, interruptible():
        raise OSError("full")

    assert not acknowledge_interrupt(raised.value)


def test_one_that_waits_when_the_block_ends_is_raised_there(monkeypatch):
    monkeypatch.setattr(interrupts, "DATABASE_RETRY_SECONDS", 5.0)
    engine = engine_whose_commit_is_interrupted("sqlite://", signal.SIGTERM)

    with pytest.raises(Interrupted):
        interruptible()(insert)(engine)

    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT x FROM kept")) == 1
    engine.dispose()


def test_handlers_are_put_back_and_the_ignored_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with interruptible(), interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not handler
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGINT, before)
