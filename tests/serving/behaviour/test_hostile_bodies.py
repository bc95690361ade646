"""The cost of a body is bounded: a wrong one costs little more than a good one."""
# ruff: noqa: UP031 - JSON is full of braces

import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="peaks of memory are read from /proc"
)

SIZE = 3_000_000  # bytes of each body, about
SECONDS = 2.5  # of CPU, at most; some took 15, a correct table of a million rows 1.5
GROWTH = 20  # bytes of memory for each of a body, at most; some took a thousand
TABLE_GROWTH = 60  # a million rows of one cell are a table within the limits
FORECAST, EXPLAIN = "/v1/models/waves/forecast", "/v1/models/waves/explain"
INFER, SCORE = "/v2/models/waves/infer", "/invocations"
NIXTLA = "/v2/forecast"
VALUES = "[10,11,10.5,12,11.5,10]"


def many(piece, begin="[", end="]"):
    """Return JSON of about `SIZE` bytes from repeated pieces; ``%d`` counts them."""
    counted, length = "%d" in piece, len(piece) + 1
    count = SIZE // (length + 4 * counted)
    pieces = (piece % i for i in range(count)) if counted else [piece] * count
    return f"{begin}{','.join(pieces)}{end}"


def one_series(**fields):
    members = {"id": '"a"', "values": VALUES} | fields
    return '{"series":[{%s}]}' % ",".join(f'"{k}":{v}' for k, v in members.items())


def tensor(data, shape="[1,6]", name='"values"', **more):
    members = {"name": name, "shape": shape, "datatype": '"FP64"', "data": data} | more
    return '{"inputs":[{%s}]}' % ",".join(f'"{k}":{v}' for k, v in members.items())


def sent(y=VALUES, sizes="[6]", more="", **series):
    members = {"y": y, "sizes": sizes} | series
    inside = ",".join(f'"{k}":{v}' for k, v in members.items())
    return '{"series":{%s},"model":"waves","freq":"D","h":2%s}' % (inside, more)


LISTS, ROWS = ("[]", "{}", '""', "null", "1", "[[[[[[[[]]]]]]]]"), ('{"a":1}', "[1]")
KEYS, NEW_KEYS = '"k%d":1', '"k%d":[]'
CASES = [
    *[(FORECAST, '{"series":%s}' % many(one)) for one in (*LISTS, *ROWS)],
    *[(EXPLAIN, '{"series":%s}' % many(one)) for one in LISTS],
    (FORECAST, '{"series":%s}' % many('{"id":"x","values":[1]}')),
    (FORECAST, '{"series":%s}' % many('{"id":"x%d","values":[1]}')),
    (FORECAST, '{"series":%s}' % many('{"id":"","values":[]}')),
    *[(FORECAST, '{"levels":%s}' % many(one)) for one in (*LISTS, "0", "NaN")],
    *[(FORECAST, '{"horizon":%s}' % many(one)) for one in LISTS],
    (FORECAST, '{"horizon":%s}' % ("9" * SIZE)),
    (FORECAST, many(KEYS, "{", "}")),
    (FORECAST, '{"series":[%s]}' % many(KEYS, "{", "}")),
    (FORECAST, "[" * SIZE),
    (FORECAST, '{"series":%s' % ("[" * SIZE)),
    (FORECAST, '{"a":' * (SIZE // 5)),
    (FORECAST, "x" * SIZE),
    (FORECAST, '"%s"' % ("x" * SIZE)),
    *[(FORECAST, one_series(values=many(one))) for one in (*LISTS[:-2], "NaN", "[1]")],
    (FORECAST, one_series(values=many("9" * 4000))),
    *[(FORECAST, one_series(timestamps=many(one))) for one in LISTS],
    (FORECAST, one_series(timestamps='["%s"]' % ("2" * SIZE))),
    (FORECAST, one_series(id='"%s"' % ("x" * SIZE))),
    *[
        (FORECAST, one_series(**{field: '{"a":%s}' % many(one)}))
        for field in ("past_covariates", "known_covariates", "static_covariates")
        for one in ("[]", "{}", "1")
    ],
    *[
        (FORECAST, one_series(**{field: many(key, "{", "}")}))
        for field in ("past_covariates", "known_covariates", "static_covariates")
        for key in (KEYS, NEW_KEYS)
    ],
    *[(INFER, '{"inputs":%s}' % many(one)) for one in LISTS],
    *[(INFER, tensor(VALUES)[:-1] + ',"outputs":%s}' % many(one)) for one in LISTS],
    (INFER, tensor(VALUES)[:-1] + ',"outputs":%s}' % many('{"name":"point"}')),
    (INFER, '{"inputs":%s}' % many('{"name":"x","shape":[1],"datatype":""}')),
    *[(INFER, tensor(many(one))) for one in (*LISTS, "[1]")],
    *[(INFER, tensor(VALUES, many(one))) for one in LISTS],
    *[(INFER, tensor(VALUES, parameters='{"a":%s}' % many(one))) for one in LISTS],
    (INFER, tensor(VALUES, name='"%s"' % ("x" * SIZE))),
    (INFER, tensor(VALUES)[:-1] + ',"parameters":%s}' % many(KEYS, "{", "}")),
    (INFER, many(KEYS, "{", "}")),
    *[(SCORE, '{"dataframe_records":%s}' % many(one)) for one in (*LISTS, *ROWS)],
    *[(SCORE, '{"inputs":%s}' % many(one)) for one in LISTS],
    *[(SCORE, '{"instances":{"target":%s}}' % many(one)) for one in LISTS],
    (SCORE, '{"inputs":%s}' % many(KEYS, "{", "}")),
    (SCORE, '{"inputs":%s}' % many(NEW_KEYS, "{", "}")),
    (SCORE, '{"dataframe_records":[%s]}' % many(KEYS, "{", "}")),
    (SCORE, '{"dataframe_records":%s}' % many('{"k%d":1}')),
    *[
        (SCORE, '{"dataframe_split":{"columns":["target"],"data":%s}}' % many(one))
        for one in (*LISTS, ROWS[0], "[[]]")
    ],
    *[
        (SCORE, '{"dataframe_split":{"columns":%s,"data":[]}}' % many(one))
        for one in LISTS
    ],
    (SCORE, '{"params":{"levels":%s}}' % many("0")),
    (SCORE, '{"params":%s}' % many(KEYS, "{", "}")),
    (SCORE, many(KEYS, "{", "}")),
    *[(NIXTLA, sent(y=many(one))) for one in LISTS],
    *[(NIXTLA, sent(sizes=many(one))) for one in (*LISTS, "0")],
    *[(NIXTLA, sent(start_datetime=many(one))) for one in (*LISTS, '"x"')],
    *[(NIXTLA, sent(X=many(one))) for one in LISTS],
    *[(NIXTLA, sent(more=',"level":%s' % many(one))) for one in (*LISTS, "100")],
    *[(NIXTLA, sent(more=',"z":%s' % many(one))) for one in LISTS],
    (NIXTLA, sent(more=',"model_parameters":%s' % many(KEYS, "{", "}"))),
]
CSV = [
    "target\n" + "x\n" * (SIZE // 2),
    "target\n" + "\n" * SIZE,
    "target" + "," * 900 + "\n" + ("," * 900 + "\n") * (SIZE // 901),
    "target" + ",a" * 900 + "\n" + ("1" + ",x" * 900 + "\n") * (SIZE // 1802),
    "target\n" + '"' * SIZE,
    "," * SIZE,
    "target\r" + "1\r" * (SIZE // 2),
]


@pytest.fixture(scope="module")
def roomy(built, tmp_path_factory, running):
    """Run a service with default limits, warmed up; yield it and its process."""
    folder = tmp_path_factory.mktemp("roomy")
    settings = {"default_model": "waves", "threads": 1}
    with running(f"sqlite:///{built}/mlflow.db", folder, **settings) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        process = psutil.Process(service.process.pid)
        for path, body in GOOD:
            spent(service, process, path, body)
        yield service, process


GOOD = [
    (FORECAST, one_series(values=many("1.25"))),
    (INFER, tensor(many("1.25"), "[1,%d]" % (SIZE // 5))),
    (SCORE, '{"inputs":{"target":%s}}' % many("1.25")),
    (NIXTLA, sent(many("1.25"), "[%d]" % (SIZE // 5))),
]


def spent(service, process, path, body, media_type="application/json"):
    """Return the answer, and its cost in seconds of CPU and bytes of memory."""
    cpu, before = process.cpu_times(), process.memory_info().rss
    reset_peak(process)
    answer = service.client.post(
        path, content=body, headers={"Content-Type": media_type}
    )
    end = process.cpu_times()
    seconds = end.user + end.system - cpu.user - cpu.system
    return answer, seconds, peak(process) - before


def reset_peak(process):
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def peak(process):
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def name(case):
    return f"{case[0]} {case[1][:60]}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_body_of_flaws_costs_no_more_than_a_few_of_them(roomy, case):
    path, body = case

    answer, seconds, growth = spent(*roomy, path, body)

    assert 200 <= answer.status_code < 500, answer.text[:500]
    assert len(answer.content) < 50_000
    assert seconds < SECONDS
    assert growth < (TABLE_GROWTH if path == SCORE else GROWTH) * len(body)


@pytest.mark.parametrize("body", CSV, ids=lambda body: repr(body[:30]))
def test_a_csv_of_flaws_costs_no_more_than_a_few_of_them(roomy, body):
    answer, seconds, growth = spent(*roomy, SCORE, body, "text/csv")

    assert 200 <= answer.status_code < 500, answer.text[:500]
    assert seconds < SECONDS
    assert growth < GROWTH * len(body)


def test_one_wrong_series_among_thousands_is_found_without_a_look_at_each(roomy):
    days = ",".join(f'"2024-03-{day:02}"' for day in range(10, 16))
    good = '{"id":"x%d","values":%s,"timestamps":[%s]}'
    series = [good % (i, VALUES, days) for i in range(9_000)]
    series[7_654] = series[7_654].replace("2024-03-15", "2024-03-20")

    answer, seconds, _ = spent(*roomy, FORECAST, '{"series":[%s]}' % ",".join(series))

    assert answer.status_code == 422
    places = [flaw["loc"] for flaw in answer.json()["errors"]]
    assert places == [["body", "series", 7_654, "timestamps"]]
    assert seconds < 2 * SECONDS
