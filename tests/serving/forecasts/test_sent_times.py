"""Answers come in the zone or offset that was sent, else in the zone of training."""

import asyncio
import json

import numpy as np
import pandas as pd
import pytest

from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.io import read_frame
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig
from serving.client.answers import to_frame
from serving.client.series import to_series
from serving.client.stamps import find_clocks
from serving.errors import RequestError
from serving.forecasts.batching import Batcher
from serving.forecasts.forecast import Forecasts
from serving.forecasts.thread_pool import ForecastThreads
from serving.registry.description import describe
from serving.registry.loaded_model import LoadedModel
from serving.settings import Settings

BERLIN = "Europe/Berlin"
SEQ_LEN = 6


def train(stamps):
    values = 20 + np.sin(np.arange(len(stamps))) + np.arange(len(stamps)) / 10
    table = pd.DataFrame({"timestamp": list(stamps), "target": values})
    if isinstance(stamps, pd.DatetimeIndex):
        table["timestamp"] = stamps
    panel = read_frame(table)
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=SEQ_LEN, horizon=3),
        model=RecurrentConfig(hidden_size=2),
        training=TrainingConfig(epochs=1, device="cpu"),
    ).fit(panel)
    return LoadedModel(forecaster, describe("m", "1", forecaster, {}))


@pytest.fixture(scope="module")
def models():
    def dates(freq, zone=None):
        return pd.date_range("2024-01-01", periods=40, freq=freq, tz=zone)

    return {
        "days": train(dates("D")),
        "hours": train(dates("h")),
        "months": train(dates("MS")),
        "berlin days": train(dates("D", BERLIN)),
        "berlin hours": train(dates("h", BERLIN)),
        "berlin months": train(dates("MS", BERLIN)),
        "delhi hours": train([stamp.isoformat() for stamp in dates("h", "+05:30")]),
        "utc days": train([stamp.isoformat() for stamp in dates("D", "UTC")]),
    }


def ask(model, *series, horizon=2):
    """Return the answer to series of timestamps."""
    sent = [
        {"id": f"s{row}", "values": [20.0 + row] * len(stamps), "timestamps": stamps}
        for row, stamps in enumerate(series)
    ]
    body = {"horizon": horizon} | ({"series": sent} if series else {})

    async def answer():
        workers = ForecastThreads(1, 8)
        forecasts = Forecasts(Batcher(workers, lambda *_: None), workers, Settings())
        content, _ = await forecasts.answer(model, None, json.dumps(body).encode())
        return json.loads(content)

    return asyncio.run(answer())


def stamps_ahead(model, *series, horizon=2):
    rows = ask(model, *series, horizon=horizon)["forecasts"]
    return [row["timestamps"] for row in rows]


def texts(start, freq, zone, count=SEQ_LEN):
    stamps = pd.date_range(start, periods=count, freq=freq, tz=zone)
    return [stamp.isoformat() for stamp in stamps]


@pytest.mark.parametrize("offset", ["+02:00", "-05:00", "+05:30", "Z", "+00:00"])
@pytest.mark.parametrize(
    ("name", "freq"), [("days", "D"), ("hours", "h"), ("months", "MS")]
)
def test_a_model_without_a_zone_answers_in_the_offset_sent(models, name, freq, offset):
    moments = pd.date_range("2024-01-01", periods=SEQ_LEN + 2, freq=freq)
    sent = [f"{moment.isoformat()}{offset}" for moment in moments]

    [answer] = stamps_ahead(models[name], sent[:SEQ_LEN])

    assert answer == sent[SEQ_LEN:]


@pytest.mark.parametrize("name", ["delhi hours", "berlin hours", "hours"])
@pytest.mark.parametrize("offset", ["+05:30", "+01:00", "Z"])
def test_hours_are_the_same_moments_in_all_offsets(models, name, offset):
    moments = pd.date_range("2024-01-20", periods=SEQ_LEN + 2, freq="h")
    sent = [f"{moment.isoformat()}{offset}" for moment in moments]

    [answer] = stamps_ahead(models[name], sent[:SEQ_LEN])

    assert [pd.Timestamp(stamp) for stamp in answer] == [
        pd.Timestamp(stamp) for stamp in sent[SEQ_LEN:]
    ]
    assert [stamp[19:] for stamp in answer] == [offset, offset]


@pytest.mark.parametrize(
    ("name", "freq"), [("berlin days", "D"), ("berlin hours", "h")]
)
@pytest.mark.parametrize("start", ["2024-03-28", "2024-10-24", "2024-07-01"])
def test_a_model_with_a_zone_follows_its_clocks(models, name, freq, start):
    start = f"{start} 22:00" if freq == "h" else start
    start = start.replace("-28", "-30").replace("-24", "-26") if freq == "h" else start
    sent = texts(start, freq, BERLIN, SEQ_LEN + 2)

    [answer] = stamps_ahead(models[name], sent[:SEQ_LEN])

    assert [pd.Timestamp(stamp) for stamp in answer] == [
        pd.Timestamp(stamp) for stamp in sent[SEQ_LEN:]
    ]


def test_without_series_the_answer_is_in_the_zone_of_training(models):
    assert stamps_ahead(models["berlin days"])[0][0] == "2024-02-10T00:00:00+01:00"
    assert stamps_ahead(models["delhi hours"])[0][0] == "2024-01-02T16:00:00+05:30"
    assert stamps_ahead(models["utc days"])[0][0] == "2024-02-10T00:00:00Z"
    assert stamps_ahead(models["days"])[0][0] == "2024-02-10T00:00:00"


def test_naive_timestamps_are_local_times_of_the_model_and_so_are_the_answers(models):
    spring = [stamp[:19] for stamp in texts("2024-03-30 22:00", "h", BERLIN, 8)]
    dates = ["2024-03-28", "2024-03-29", "2024-03-30", "2024-03-31", "2024-04-01"]

    assert "2024-03-31T02:00:00" not in spring
    assert stamps_ahead(models["berlin hours"], spring[:6]) == [spring[6:]]
    for name in ("berlin days", "utc days"):
        assert stamps_ahead(models[name], [*dates, "2024-04-02"]) == [
            ["2024-04-03T00:00:00", "2024-04-04T00:00:00"]
        ]


def test_moments_in_utc_are_days_and_months_of_the_zone_of_the_model(models):
    days = pd.date_range("2024-03-28", periods=8, freq="D", tz=BERLIN).tz_convert("UTC")
    months = pd.date_range("2024-02-01", periods=8, freq="MS", tz=BERLIN)
    for name, moments in [("berlin days", days), ("berlin months", months)]:
        sent = [f"{stamp:%Y-%m-%dT%H:%M:%SZ}" for stamp in moments.tz_convert("UTC")]

        assert stamps_ahead(models[name], sent[:6]) == [sent[6:]]


def test_days_of_another_zone_are_days(models):
    sent = texts("2024-03-09", "D", "America/New_York", 8)  # clocks change on the 10th

    [answer] = stamps_ahead(models["berlin days"], sent[:6])

    assert answer == sent[6:]


def test_a_request_may_mix_zones_and_naive_series(models):
    berlin = texts("2024-01-20", "D", BERLIN)
    delhi = texts("2024-01-20", "D", "+05:30")
    naive = [stamp[:10] for stamp in berlin]

    for name in ("days", "berlin days"):
        answer = stamps_ahead(models[name], berlin, naive, delhi, horizon=1)
        assert answer == [
            ["2024-01-26T00:00:00+01:00"],
            ["2024-01-26T00:00:00"],
            ["2024-01-26T00:00:00+05:30"],
        ]


def test_offsets_that_change_are_days_or_moments_in_utc(models):
    days = texts("2024-03-28", "D", BERLIN)
    hours = texts("2024-03-30 22:00", "h", BERLIN)

    assert stamps_ahead(models["days"], days) == [
        ["2024-04-03T00:00:00+02:00", "2024-04-04T00:00:00+02:00"]
    ]
    assert stamps_ahead(models["hours"], hours) == [
        ["2024-03-31T03:00:00Z", "2024-03-31T04:00:00Z"]
    ]


def test_days_in_utc_over_a_change_of_clocks_are_refused_with_the_reason(models):
    days = pd.date_range("2024-03-28", periods=6, freq="D", tz=BERLIN).tz_convert("UTC")

    with pytest.raises(RequestError, match="summer time") as error:
        ask(models["days"], [f"{stamp:%Y-%m-%dT%H:%M:%SZ}" for stamp in days])

    assert "freq: D" not in str(error.value)


def test_a_day_of_the_month_goes_on_after_february():
    stamps = ["2022-11-29", "2022-12-29", "2023-01-29", "2023-02-28"]
    months = np.datetime64("2020-01") + np.arange(36)
    last = (months + 1).astype("datetime64[D]") - 1
    model = train(np.minimum(months.astype("datetime64[D]") + 28, last).astype(str))

    sent = ["2022-09-29", "2022-10-29", *stamps]
    offset = [f"{stamp}T00:00:00+01:00" for stamp in sent]

    assert stamps_ahead(model, sent) == [["2023-03-29T00:00:00", "2023-04-29T00:00:00"]]
    assert stamps_ahead(model, offset)[0][0] == "2023-03-29T00:00:00+01:00"
    ends = pd.date_range("2023-01-31", periods=6, freq="ME")
    with pytest.raises(RequestError, match=r"'MS'.*month ends"):
        ask(model, [f"{stamp:%Y-%m-%d}" for stamp in ends])


@pytest.mark.parametrize(
    ("name", "freq", "zone"),
    [
        *[("days", "D", BERLIN), ("berlin days", "D", BERLIN), ("days", "D", "+05:30")],
        *[("hours", "h", BERLIN), ("berlin hours", "h", BERLIN)],
        *[("berlin days", "D", "America/New_York"), ("utc days", "D", "UTC")],
    ],
)
@pytest.mark.parametrize(
    "start", ["2024-03-05", "2024-03-26", "2024-10-22", "2024-07-01"]
)
def test_the_client_gives_back_the_zone_of_a_frame(models, name, freq, zone, start):
    stamps = pd.date_range(start, periods=12, freq=freq, tz=zone)
    sent = pd.DataFrame({"timestamp": stamps[:8], "target": np.arange(8.0)})
    [series] = to_series(sent)

    answer = ask(models[name], series["timestamps"], horizon=4)
    frame = to_frame(answer, find_clocks(sent, "timestamp"))

    assert frame["timestamp"].dt.tz == sent["timestamp"].dt.tz
    assert frame["timestamp"].tolist() == stamps[8:].tolist()


def test_the_client_reads_answers_with_different_offsets(models):
    answer = ask(
        models["days"],
        texts("2024-01-20", "D", BERLIN),
        texts("2024-01-20", "D", "UTC"),
    )

    frame = to_frame(answer)

    assert [stamp.utcoffset().seconds for stamp in frame["timestamp"]] == [
        *[3600, 3600],
        *[0, 0],
    ]


def test_a_description_shows_timestamps_in_their_zone(models):
    details = models["delhi hours"].details

    assert details.trained_until == "2024-01-02T15:00:00+05:30"
    assert details.context[0].timestamps[-1] == details.trained_until
