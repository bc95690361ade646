"""Files over REST as they are read: questions, plain numbers, hostile content."""

import gzip
import json
import os
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pandas as pd
import pytest

from forecasting.inspection.inspect import inspect_csv

DAYS = pd.date_range("2024-01-01", periods=40).strftime("%Y-%m-%d").tolist()
SALES = "day,sales\n" + "".join(f"{day},{i % 7}\n" for i, day in enumerate(DAYS))


@pytest.fixture
def inspect(service):
    def post(content, **query):
        return service.client.post("/v1/inspect", content=content, params=query)

    return post


def test_a_file_is_read_by_the_rules_of_the_command(inspect, tmp_path):
    answer = inspect(SALES, file="sales.csv", horizon=7).json()

    (tmp_path / "sales.csv").write_text(SALES)
    expected = inspect_csv(tmp_path / "sales.csv", horizon=7)
    assert answer["notes"] == list(expected.notes)
    assert [column["role"] for column in answer["columns"]] == ["time", "target"]
    assert (answer["freq"], answer["season_length"]) == ("D", 7)
    assert (answer["rows"], answer["num_series"], answer["left_out"]) == (40, 1, 0)
    assert answer["seq_len"] == expected.training.seq_len
    assert answer["questions"] == []
    assert answer["command"] == "recast train sales.csv --horizon=7"
    [series] = answer["series"]
    assert series["values"] == [i % 7 for i in range(40)]
    assert series["timestamps"][0] == "2024-01-01T00:00:00"


def test_series_that_were_read_can_be_forecast_without_a_model(inspect, service):
    answer = inspect(SALES).json()

    body = {"series": answer["series"], "freq": answer["freq"], "horizon": 2}
    forecast = service.client.post("/v1/forecast", json=body).json()["forecasts"][0]

    assert forecast["timestamps"] == ["2024-02-10T00:00:00", "2024-02-11T00:00:00"]


def test_an_open_question_comes_with_its_option_which_answers_it(inspect):
    rows = "start,end,a,b\n2024-01-01,2024-01-02,1,2\n2024-01-02,2024-01-03,2,3\n"
    rows += "2024-01-03,2024-01-04,4,5\n"

    asked = inspect(rows).json()
    options = {question["option"] for question in asked["questions"]}
    answered = inspect(rows, time="start", target="a", file="open day.csv").json()

    assert options == {"time", "target"}
    assert asked["series"] == []
    assert asked["freq"] is None
    assert answered["questions"] == []
    assert answered["series"][0]["values"] == [1, 2, 4]
    assert answered["command"].startswith(
        "recast train 'open day.csv' --time=start --target=a"
    )


@pytest.mark.parametrize(
    ("text", "values", "decimal"),
    [
        ("1,5 2,5 3,5", [1.5, 2.5, 3.5], ","),
        ("1,5; 2,5; 3", [1.5, 2.5, 3], ","),
        ("1,5\n2,5\r\n\n3\n", [1.5, 2.5, 3], ","),
        ("1.5\t2.5\t3", [1.5, 2.5, 3], "."),
        ("1.234,5 2.000,1 3", [1234.5, 2000.1, 3], ","),
        ("1,234.5 2", [1234.5, 2], "."),
        ("[1, 2.5, -3]", [1, 2.5, -3], "."),
        ("1,2,3,4", [1, 2, 3, 4], None),
        ("\ufeff5\n6\n7", [5, 6, 7], None),
    ],
)
def test_nothing_but_numbers_is_one_series_and_its_mark_is_echoed(
    inspect, text, values, decimal
):
    answer = inspect(text.encode()).json()

    assert answer["series"][0]["values"] == values
    assert answer["decimal"] == decimal
    assert f"{len(values)} numbers, parted by" in answer["notes"][0]
    assert ("'value': decimal commas" in answer["notes"]) == (decimal == ",")


def test_numbers_that_can_be_read_in_two_ways_are_a_question(inspect):
    asked = inspect("1,500 2,250 3,125").json()
    commas = inspect("1,500 2,250 3,125", decimal=",").json()
    points = inspect("1,500 2,250 3,125", decimal=".").json()

    [question] = asked["questions"]
    assert question["option"] == "decimal"
    assert "'1,500' can be 1.5 or, with thousands, 1500" in question["problem"]
    assert (asked["series"], asked["decimal"]) == ([], None)
    assert commas["series"][0]["values"] == [1.5, 2.25, 3.125]
    assert points["series"][0]["values"] == [1500, 2250, 3125]


def test_a_table_of_numbers_without_a_header_is_not_one_series(inspect, assert_problem):
    response = inspect("1,2,3\n4,5,6\n")

    assert_problem(response, 422, "unreadable-data", "Put the names of the columns")


def test_of_many_long_series_the_last_points_of_the_first_come_back(
    running, built, tmp_path
):
    hours = pd.date_range("2024-01-01", periods=6000, freq="h")
    stamps = hours.strftime("%Y-%m-%d %H:%M")
    rows = [f"{t},a,{i}" for i, t in enumerate(stamps)]
    rows += [f"{t},s{n:02},{n}" for n in range(24) for t in stamps[:5]]
    with running(f"sqlite:///{built}/mlflow.db", tmp_path) as service:
        text = "\n".join(["time,id,value", *rows])
        answer = service.client.post("/v1/inspect", content=text).json()

    assert (answer["num_series"], answer["left_out"]) == (25, 5)
    assert len(answer["series"]) == 20
    assert answer["series"][0]["values"] == list(range(1000, 6000))
    assert answer["series"][0]["timestamps"][0] == stamps[1000].replace(" ", "T") + (
        ":00"
    )
    assert answer["rows"] == 6120


def test_a_packed_file_is_unpacked(inspect):
    assert inspect(gzip.compress(SALES.encode())).json()["rows"] == 40


@pytest.mark.parametrize(
    ("query", "kind", "loc", "text"),
    [
        ({"decimal": "x"}, "request-error", ["query", "decimal"], "'.' or ','"),
        ({"sepp": ";"}, "request-error", ["query", "sepp"], "unknown key"),
        ({"file": "../x.csv"}, "request-error", ["query", "file"], "pattern"),
        ({"horizon": 0}, "request-error", ["query", "horizon"], "or equal to 1"),
        ({"known": "a\0b"}, "request-error", ["query", "known"], "pattern"),
        ({"zone": "Mars/Base"}, "setting-error", ["query"], "Mars/Base"),
        ({"encoding": "zip"}, "setting-error", ["query"], "an encoding, such as"),
        ({"time": "nothing"}, "missing-columns", ["body"], "no column 'nothing'"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    inspect, query, kind, loc, text, assert_problem
):
    response = inspect(SALES, **query)

    assert_problem(response, 422, kind, text, loc)


def workbook():
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 10_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the file is empty"),
        (b"\0" * 90_000, "binary file"),
        (b"a,b\n1,\0\n", "binary file"),
        (os.urandom(90_000), "the file"),
        (workbook(), "an Excel workbook"),
        (b"PAR1" + b"\0" * 1000, "a Parquet file"),
        (b"%PDF-1.7", "a PDF"),
        (gzip.compress(b"1\n" * 10_000_000), "unpacks to more than"),
        (gzip.compress(SALES.encode())[:-9], "the gzip is damaged"),
        (b"," * 99_000, "99,001 columns; at most 200"),
        (b",".join(b"c%d" % i for i in range(9000)), "9,000 columns; at most 200"),
        (b"1\n" * 49_000, "lines; at most 3,000"),
        (b"\n" * 90_000, "lines; at most 3,000"),
        (b"\r" * 90_000, "lines; at most 3,000"),
        (b'"' * 99_000, "the file"),
        (b'day,sales\n2024-01-01,"1\n', "the file"),
        (b"day,sales\n2024-01-01,1,2\n", "line 1 has 2 fields, line 2 has 3"),
        (b"<html>", "HTML"),
        (b'{"series": []}', "JSON"),
        (b"day,day\n2024-01-01,1\n", "more than once"),
        (b"day,n\n2024-01-01,\xff\xfe\xfd\xc3\n", "no UTF-8"),
    ],
)
def test_content_that_is_no_table_is_refused_with_its_reason(
    inspect, content, text, assert_problem
):
    response = inspect(content)

    assert_problem(response, 422, "unreadable-data", text)
    assert response.json()["errors"][0]["loc"] == ["body"]
    assert "--" not in response.json()["detail"]


def test_more_bytes_than_a_body_may_have_are_refused(inspect, assert_problem):
    assert_problem(inspect(b"," * 200_000), 413, "body-too-large")


def test_markup_and_control_characters_stay_data(inspect):
    name = "<img src=x onerror=alert(1)>"
    text = SALES.replace("sales", f'"{name}"')

    answer = inspect(text)

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["columns"][1]["name"] == name


def test_a_long_cell_is_shown_in_part_and_numbers_are_finite(inspect):
    text = SALES.replace("\n", ",note\n", 1).replace(",0\n", f",0,{'x' * 5000}\n", 1)
    text = "".join(
        line if line.count(",") == 2 else line.replace("\n", ",\n")
        for line in text.splitlines(keepends=True)
    )

    response = inspect(text)

    [note] = [c for c in response.json()["columns"] if c["name"] == "note"]
    assert len(note["example"]) < 200
    json.loads(response.text, parse_constant=pytest.fail)


def test_nothing_of_a_file_stays_on_disk(running, built, tmp_path):
    (tmp_path / "tmp").mkdir()
    with running(
        f"sqlite:///{built}/mlflow.db",
        tmp_path,
        prefix=("env", f"TMPDIR={tmp_path}/tmp"),
    ) as service:
        before = sorted(p for p in tmp_path.rglob("*") if p.is_file())
        service.client.post("/v1/inspect", content=SALES)
        after = sorted(p for p in tmp_path.rglob("*") if p.is_file())

    assert after == before
