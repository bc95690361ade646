"""Wall time of zones, days that follow the clocks, and text with offsets."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import IrregularTimestamps, SettingError
from forecasting.io import read_frame, read_future
from forecasting.timestamps.calendar import Calendar, format_timestamp
from forecasting.timestamps.zones import (
    format_moments,
    to_utc,
    to_wall,
    zone_of_text,
)

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "+05:30", "-03:00")
BERLIN = "Europe/Berlin"


def frame(stamps):
    return pd.DataFrame({"when": list(stamps), "y": np.arange(len(stamps)) + 10.0})


def ahead(panel, steps=3):
    moments = panel.calendar.future(panel.last_timestamps(), steps)[0]
    return format_moments(moments, panel.calendar.zone).tolist()


@given(st.sampled_from(ZONES), st.integers(0, 2_000_000))
def test_wall_time_and_utc_are_inverse_where_the_wall_time_is_unique(zone, minutes):
    moment = np.array(["2022-01-01"], "datetime64[ns]") + np.timedelta64(minutes, "m")
    wall = to_wall(moment, zone)
    expected = pd.Timestamp(moment[0], tz="UTC").tz_convert(
        zone.replace("-03:00", "UTC-03:00")
    )

    assert pd.Timestamp(wall[0]) == expected.tz_localize(None)
    back = to_utc(wall, zone)
    assert (back == moment).all() or (to_wall(back, zone) == wall).all()
    assert pd.Timestamp(format_moments(moment, zone)[0]) == expected


@pytest.mark.parametrize(
    "freq", ["D", "W-SUN", "MS", "ME", "QS-FEB", "B", "h", "15min"]
)
@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Asia/Kolkata", "+05:30"])
def test_a_frame_with_a_zone_goes_on_as_pandas_does(freq, zone):
    expected = pd.date_range("2024-01-31", periods=120, freq=freq, tz=zone)

    panel = read_frame(frame(expected[:100]))

    assert panel.calendar.freq == freq
    assert ahead(panel, 20) == [stamp.isoformat() for stamp in expected[100:]]


def test_days_over_a_change_of_clocks_are_days_without_a_zone():
    stamps = pd.date_range("2024-03-11", periods=40, freq="D", tz=BERLIN)

    panel = read_frame(frame([stamp.isoformat() for stamp in stamps]))

    assert panel.calendar == Calendar("D")
    assert ahead(panel, 1) == ["2024-04-20T00:00:00"]
    assert any("+01:00 and +02:00" in note for note in panel.notes)


def test_months_with_their_offsets_are_months():
    stamps = pd.date_range("2023-01-31", periods=20, freq="ME", tz=BERLIN)

    panel = read_frame(frame([stamp.isoformat() for stamp in stamps]))

    assert ahead(panel, 2) == ["2024-09-30T00:00:00", "2024-10-31T00:00:00"]


def test_hours_over_a_change_of_clocks_go_on_in_utc_or_in_the_zone_that_is_named():
    stamps = pd.date_range("2024-03-30", periods=40, freq="h", tz=BERLIN)
    texts = frame([stamp.isoformat() for stamp in stamps])

    assert ahead(read_frame(texts), 1) == ["2024-03-31T15:00:00Z"]
    assert ahead(read_frame(texts, zone=BERLIN), 1) == ["2024-03-31T17:00:00+02:00"]


@pytest.mark.parametrize("begin", ["2024-03-30", "2024-10-26"])
@pytest.mark.parametrize("freq", ["h", "30min", "15min"])
def test_naive_hours_of_a_zone_that_is_named_are_its_local_times(begin, freq):
    stamps = pd.date_range(begin, periods=200, freq=freq, tz=BERLIN)
    naive = [str(stamp)[:19] for stamp in stamps[:150]]

    panel = read_frame(frame(naive), zone=BERLIN)

    assert ahead(panel, 50) == [stamp.isoformat() for stamp in stamps[150:]]


def test_naive_hours_without_a_zone_are_refused_with_the_option_that_names_it():
    spring = pd.date_range("2024-03-30", periods=40, freq="h", tz=BERLIN)
    autumn = pd.date_range("2024-10-26", periods=40, freq="h", tz=BERLIN)

    for stamps in (spring, autumn):
        with pytest.raises(Exception, match=r"Clocks are set.*--zone or data\.zone"):
            read_frame(frame([str(stamp)[:19] for stamp in stamps]))


def test_days_in_utc_that_are_days_of_a_zone_are_refused_with_the_option_that_helps():
    stamps = pd.date_range("2024-03-11", periods=40, freq="D", tz=BERLIN)
    texts = [stamp.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ") for stamp in stamps]

    with pytest.raises(IrregularTimestamps, match=r"summer time.*--zone") as error:
        read_frame(frame(texts))

    assert "freq" not in str(error.value)
    assert ahead(read_frame(frame(texts), zone=BERLIN), 1) == [
        "2024-04-20T00:00:00+02:00"
    ]


def test_local_times_twice_a_day_are_read_without_offsets():
    days = pd.date_range("2024-03-25", periods=12, freq="D")
    halves = days.union(days + pd.Timedelta("12h"))
    texts = [stamp.isoformat() for stamp in halves.tz_localize(BERLIN)]

    with pytest.raises(IrregularTimestamps, match="local times without offsets"):
        read_frame(frame(texts))
    assert read_frame(frame([text[:19] for text in texts])).calendar.freq == "12h"


def test_series_of_other_zones_may_be_days_side_by_side():
    days = pd.date_range("2024-03-01", periods=9, freq="D").strftime(
        "%Y-%m-%dT00:00:00"
    )
    table = pd.DataFrame(
        {
            "shop": ["berlin"] * 9 + ["delhi"] * 9,
            "when": [*(days + "+01:00"), *(days + "+05:30")],
            "y": np.arange(18.0),
        }
    )

    panel = read_frame(table, time="when", target="y", series_id="shop")

    assert panel.calendar == Calendar("D")
    assert (panel.last_timestamps() == np.datetime64("2024-03-09")).all()


def test_a_panel_of_stamps_with_a_zone_keeps_it():
    stamps = pd.date_range("2024-01-01", periods=9, freq="D", tz=BERLIN)

    panels = [
        Panel.from_values({"a": range(9)}, timestamps={"a": form})
        for form in (stamps, pd.Series(stamps))
    ]

    for panel in panels:
        assert panel.calendar.zone == BERLIN
        assert (panel.to_frame()["timestamp"] == stamps).all()


def test_plans_may_have_offsets_or_local_dates():
    stamps = pd.date_range("2024-03-20", periods=13, freq="D", tz=BERLIN)
    table = frame(stamps[:10]).assign(promo=1.0)
    panel = read_frame(table, target="y", known_covariates=["promo"])
    plan = pd.DataFrame({"when": stamps[10:], "promo": [1.0, 2.0, 3.0]})

    for when in (plan["when"], plan["when"].dt.strftime("%Y-%m-%d")):
        future = read_future(plan.assign(when=when), panel, ["promo"])
        assert future["promo"]["y"].tolist() == [1.0, 2.0, 3.0]


def test_a_zone_that_does_not_exist_is_refused():
    for wrong in ("Europe/Berlyn", "CEST+1", "+5", "../etc", ""):
        with pytest.raises(SettingError, match=r"zone must be UTC, an offset such as"):
            Schema.of(zone=wrong)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        *[("2024-03-05", None), ("2024-03-05T04:00:00", None), ("05-03-24", None)],
        *[("2024-03-05T04:00:00Z", "UTC"), ("2024-03-05 04:00+0530", "+05:30")],
        *[("2024-03-05 04:00:00.5-03", "-03:00"), ("2024-03-05 04:00 UTC", "UTC")],
    ],
)
def test_the_zone_of_a_text_is_its_end(text, zone):
    assert zone_of_text(text) == zone


def test_a_moment_with_a_zone_is_shown_in_it():
    moment = np.datetime64("2024-03-04T22:30", "ns")

    assert format_timestamp(moment, "+05:30") == "2024-03-05T04:00:00+05:30"
    assert format_timestamp(moment, "UTC") == "2024-03-04T22:30:00Z"
