"""Small files as people write them: each is read as its author meant it, or refused.

`tests/fixtures/reading/cases.yaml` has the cases. The modules of this folder test those
of the kinds in their ``KINDS``; several modules, so that all cores take part.

The last command of a case writes ``out.csv``; a request, a registered model called
through MLflow, or lines of Python may take its place. An outcome is ``right``,
``error``, or ``either``; expected moments have alternatives in lists, and ``A..B`` is
any day of these.
"""

import asyncio
import functools
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml

import forecasting
from forecasting.errors import ForecastingError
from serving.app import create_app
from serving.settings import Settings

ADDRESS = "http://localhost"
FOLDER = Path(__file__).parents[2] / "fixtures" / "reading"
CASES = yaml.safe_load((FOLDER / "cases.yaml").read_text(encoding="utf-8"))["cases"]
Series = dict[str, tuple[list[float], list[str]]]  # points and timestamps by id


@pytest.fixture(scope="module")
def files(shared_workplace):
    shutil.copytree(FOLDER, shared_workplace, dirs_exist_ok=True)
    return shared_workplace


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a module's tests the cases of its kinds."""
    if "case" in metafunc.fixturenames:
        cases = [case for case in CASES if case["kind"] in metafunc.module.KINDS]
        metafunc.parametrize("case", cases, ids=[case["name"] for case in cases])


@pytest.fixture(scope="session")
def kinds() -> set[str]:
    return {case["kind"] for case in CASES}


@pytest.fixture
def check_case(files, recast, monkeypatch) -> Callable[[dict[str, Any]], None]:
    """Run the commands of a case, and check the answer or the refusal."""
    monkeypatch.chdir(files)
    (files / "out.csv").unlink(missing_ok=True)
    return functools.partial(_check, files, recast)


def _check(files: Path, recast: Callable[..., Any], case: dict[str, Any]) -> None:
    said = ""
    for command in case.get("commands", []):
        result = recast(*command.split()[1:])
        said += result.out + result.err
        assert "Traceback" not in said, said
        if result.code != 0:
            assert result.code == 2, said
            _check_refusal(case, result.err, command.split()[1])
            return
    try:
        found = _answer(case, files)
    except Refusal as refusal:
        _check_refusal(case, str(refusal), refusal.place)
        return
    assert case["outcome"] != "error", f"answered {found}; {said}"
    if "note" in case and all(word.lower() in said.lower() for word in case["note"]):
        return
    _check_answer(case["right"], found, said)


class Refusal(Exception):
    """A refused request or frame."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


def _answer(case: dict[str, Any], files: Path) -> Series:
    if "request" in case:
        answer = _send(case["request"])
        if answer.status_code == 422:
            raise Refusal("request", answer.text)
        assert answer.status_code == 200, answer.text
        return _answered(answer.json())
    if "pyfunc" in case:
        return _forecast_example(case["pyfunc"])
    if "library" in case:
        try:
            return _read_in_python(case["library"])
        except ForecastingError as error:
            raise Refusal("library", str(error)) from None
    return _written(files / "out.csv")


def _check_refusal(case: dict[str, Any], message: str, place: str) -> None:
    assert case["outcome"] != "right", message
    text = " ".join(message.lower().split())
    for name in case["error"]["names"]:
        words = name if isinstance(name, list) else [name]
        assert any(str(word).lower() in text for word in words), (words, message)
    for word in case["error"].get("never", []):
        assert word.lower() not in text, message
    assert case["error"].get("in", place) == place, message


def _check_answer(right: dict[str, Any], found: Series, said: str) -> None:
    for words in right.get("says", []):
        assert words.lower() in said.lower(), said
    if not right.get("more"):
        assert len(found) == len(right["points"]), (found, said)
    stamps = right.get("timestamps", {})
    for series_id, points in right["points"].items():
        key = series_id
        if series_id == "*":
            [key] = found
        elif right.get("ids") == "words":
            [key] = [k for k in found if set(series_id.split()) <= _words(k)]
        actual, moments = found[key]
        np.testing.assert_allclose(
            actual[: len(points)], points, atol=right["tolerance"], err_msg=said
        )
        expected = stamps.get(series_id, stamps.get("*", []))
        for moment, alternatives in zip(moments, expected, strict=False):
            if not isinstance(alternatives, list):
                alternatives = [alternatives]
            assert any(_is_same(moment, str(a)) for a in alternatives), (
                series_id,
                moments,
                expected,
                said,
            )


def _words(series_id: str) -> set[str]:
    return set(re.findall(r"\w+", series_id))


def _is_same(found: str, expected: str) -> bool:
    if ".." in expected:
        first, last = expected.split("..")
        return first <= str(found)[:10] <= last
    if str(found) == expected or expected.isdigit():
        return str(found) == expected
    moment, other = pd.Timestamp(found), pd.Timestamp(expected)
    return (moment.tz is None) == (other.tz is None) and moment == other


def _written(path: Path) -> Series:
    table = pd.read_csv(
        path, dtype={"series_id": str, "timestamp": str}, na_filter=False
    )
    return _by_series(table)


def _by_series(table: pd.DataFrame) -> Series:
    return {
        str(name): (
            rows["point"].astype(float).tolist(),
            rows["timestamp"].astype(str).tolist(),
        )
        for name, rows in table.groupby("series_id", sort=False)
    }


def _send(request: dict[str, Any]) -> httpx.Response:
    async def send() -> httpx.Response:
        app = create_app(Settings())
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client,
        ):
            path = f"/v1/models/{request['model']}/forecast"
            return await client.post(path, json=request["body"])

    return asyncio.run(send())


def _answered(answer: dict[str, Any]) -> Series:
    return {row["id"]: (row["point"], row["timestamps"]) for row in answer["forecasts"]}


def _forecast_example(name: str) -> Series:
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    names = model.metadata.get_input_schema().input_names()
    assert len(names) == len(set(names)), names
    return _by_series(model.predict(model.input_example))


def _read_in_python(code: str) -> Series:
    variables: dict[str, Any] = {"pandas": pd, "forecasting": forecasting}
    exec(code, variables)
    panel = variables["panel"]
    moments = [str(pd.Timestamp(moment)) for moment in panel.last_timestamps()]
    lengths = panel.lengths.tolist()
    return {
        name: ([float(length)], [moment])
        for name, length, moment in zip(panel.series_ids, lengths, moments, strict=True)
    }
