"""Calls run in threads beside the event loop; their number is bounded."""

import asyncio
import threading

import pytest

from serving.errors import TooBusy
from serving.forecasts.thread_pool import ForecastThreads
from serving.http.problems import error_response


def test_work_runs_in_another_thread_and_comes_back():
    async def ask():
        return await ForecastThreads(1, 1).run(threading.current_thread)

    assert asyncio.run(ask()) is not threading.current_thread()


def test_the_queue_is_told_when_it_grows_and_when_it_shrinks():
    lengths, may_end = [], threading.Event()

    async def ask():
        workers = ForecastThreads(1, 2, lengths.append)
        begun = [asyncio.create_task(workers.run(may_end.wait)) for _ in "ab"]
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.gather(*begun)

    asyncio.run(ask())

    assert lengths == [1, 2, 1, 0]


def test_more_than_can_wait_is_told_to_come_back():
    may_end = threading.Event()

    async def ask():
        workers = ForecastThreads(1, 2)
        begun = [asyncio.create_task(workers.run(may_end.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooBusy, match="Ask again in a second"):
            await workers.run(may_end.wait)
        may_end.set()
        await asyncio.gather(*begun)
        return await workers.run(int)

    assert asyncio.run(ask()) == 0


def test_what_somebody_gave_up_on_is_busy_until_it_ends_and_else_never_begins():
    runs, may_end, begun = threading.Event(), threading.Event(), []

    def run():
        runs.set()
        may_end.wait()

    async def ask():
        workers = ForecastThreads(1, 2)
        running = asyncio.create_task(workers.run(run))
        waiting = asyncio.create_task(workers.run(begun.append, 1))
        while not runs.is_set():
            await asyncio.sleep(0.01)
        running.cancel()
        waiting.cancel()
        await asyncio.sleep(0.05)
        third = asyncio.create_task(workers.run(int))
        await asyncio.sleep(0)
        with pytest.raises(TooBusy, match="Ask again in a second"):
            await workers.run(int)
        may_end.set()
        return await third

    assert asyncio.run(ask()) == 0
    assert begun == []


def test_who_is_told_to_come_back_is_told_when():
    response = error_response(TooBusy(), "/v1/models")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
