"""Random panels in random dialects: the same panel is read, or none, never another."""

import csv
import io
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting.errors import ForecastingError
from forecasting.io import read_csv

EXAMPLES = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
IDS = ("A", "B 2", "007", "7", "NA", "Café", "nord, süd", "x;y", "1.0", "None")
FREQUENCIES = {
    "D": ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%Y%m%d", "%d %b %Y"),
    "B": ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"),
    "W-SUN": ("%Y-%m-%d", "%d.%m.%y", "%Y/%m/%d"),
    "MS": ("%Y-%m-%d", "%Y-%m", "%b-%y", "%b %Y", "%B %Y", "%Y%m", "%d/%m/%Y"),
    "ME": ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"),
    "YS": ("%Y", "%Y-%m-%d"),
    "h": ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p"),
    "15min": ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M"),
}
OFFSETS = ("", "", "", "Z", "+05:30", "-08:00")


@dataclass(frozen=True)
class Written:
    """A panel and the file that holds it."""

    values: dict[str, list[float]]
    moments: dict[str, pd.DatetimeIndex]
    content: bytes
    time_format: str
    offset: str
    decimal: str
    names: tuple[str, str, str]


@st.composite
def written_panels(draw: st.DrawFn) -> Written:
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True))
    freq = draw(st.sampled_from([*FREQUENCIES]))
    time_format = draw(st.sampled_from(FREQUENCIES[freq]))
    is_daytime = freq in ("h", "15min") and time_format.startswith("%Y-")
    offset = draw(st.sampled_from(OFFSETS)) if is_daytime else ""
    places = draw(st.integers(0, 3))
    low = draw(st.sampled_from([0, 1, 90, 990, 9_990, 123_450]))
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from(["", "", ",." if decimal == "," else ",", " "]))
    thousands = thousands[-1:]
    values, moments, rows = {}, {}, []
    for series_id in ids:
        count = draw(st.integers(8, 30))
        day = draw(
            st.dates(
                pd.Timestamp("1990-01-01").date(), pd.Timestamp("2029-12-31").date()
            )
        )
        index = pd.date_range(day, periods=count, freq=freq)
        steps = draw(st.lists(st.integers(-5, 20), min_size=count, max_size=count))
        numbers = [round(low + step / 10**places, places) for step in steps]
        values[series_id], moments[series_id] = numbers, index
        for moment, number in zip(index, numbers, strict=True):
            text = f"{number:,.{places}f}"
            marks = {",": thousands, ".": decimal}
            text = "".join(marks.get(mark, mark) for mark in text)
            rows.append((moment.strftime(time_format) + offset, text, series_id))
    order = draw(st.sampled_from(["as it is", "newest first", "mixed"]))
    if order == "newest first":
        rows.reverse()
    elif order == "mixed":
        rows = draw(st.permutations(rows))
    names = (
        draw(st.sampled_from(["date", "Datum", "ds", "month", "when"])),
        draw(st.sampled_from(["sales", "Umsatz", "y", "monthly_revenue"])),
        draw(st.sampled_from(["store", "item_id", "series_id"])),
    )
    columns = [0, 1] if len(ids) == 1 and draw(st.booleans()) else [0, 1, 2]
    columns = draw(st.permutations(columns))
    buffer = io.StringIO()
    delimiter = draw(st.sampled_from(",;\t|"))
    if delimiter == "," and thousands == "." and not places:
        # Nothing but "9.990" is 9.99 in a file parted by commas, as programs write it.
        rows = [(moment, text.replace(".", ""), name) for moment, text, name in rows]
    writer = csv.writer(
        buffer,
        delimiter=delimiter,
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow([names[column] for column in columns])
    writer.writerows([[row[column] for column in columns] for row in rows])
    if len(columns) == 2:
        values, moments = {names[1]: values[ids[0]]}, {names[1]: moments[ids[0]]}
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    content = buffer.getvalue().encode(encoding)
    return Written(values, moments, content, time_format, offset, decimal, names)


@EXAMPLES
@given(written=written_panels())
def test_a_file_gives_its_panel_or_an_error(written, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(written.content)
    try:
        panel = read_csv(path)
    except ForecastingError:
        return
    check_same(panel, written)


@EXAMPLES
@given(written=written_panels())
def test_a_file_gives_its_panel_when_all_that_is_open_is_said(written, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(written.content)
    time, target, series_id = written.names
    has_ids = set(written.values) != {target}
    options = {"series_id": series_id} if has_ids else {}
    if not written.offset:
        options["time_format"] = written.time_format
    panel = read_csv(path, time=time, target=target, decimal=written.decimal, **options)
    check_same(panel, written)


def check_same(panel, written):
    [*ids], [*names] = panel.series_ids, written.values
    if len(names) == 1 and ids == [written.names[1]]:  # and a note on the left column
        assert any(written.names[2] in note for note in panel.notes) or ids == names
        written = replace(
            written,
            values={ids[0]: written.values[names[0]]},
            moments={ids[0]: written.moments[names[0]]},
        )
    assert set(panel.series_ids) == set(written.values), panel.notes
    assert panel.lengths.sum() == sum(map(len, written.values.values()))
    for row, series_id in enumerate(panel.series_ids):
        points = slice(panel.offsets[row], panel.offsets[row + 1])
        assert panel.values[points] == pytest.approx(written.values[series_id])
        expected = written.moments[series_id]
        if written.offset:
            zone = "UTC" if written.offset == "Z" else written.offset
            expected = expected.tz_localize(zone).tz_convert("UTC").tz_localize(None)
        found = panel.timestamps[points]
        assert found.dtype.kind == "M", panel.notes
        np.testing.assert_array_equal(found, expected.to_numpy("datetime64[ns]"))
