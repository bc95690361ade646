"""The notebooks in examples/: run cell by cell, as Jupyter runs them."""

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecasting import Backtest, Forecast, Forecaster, Panel

ROOT = Path(__file__).parents[2]
NAMES = ("analyst", "data_scientist", "student")


@dataclass
class Run:
    """A notebook after its last cell: its names, and the outputs that it shows."""

    names: dict[str, Any] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


def code_cells(path: Path) -> list[str]:
    """Return the code of each cell in percent format."""
    cells = path.read_text(encoding="utf-8").split("\n# %%")
    return [cell for cell in cells if cell.startswith("\n")]


def run_cell(code: str, names: dict[str, Any]) -> Any:
    """Run a cell; return the value of its last line, if that is an expression."""
    tree = ast.parse(code)
    last = None
    if isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(last, "cell", "eval"), names)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a notebook once, in a folder beside the data."""
    finished: dict[str, Run] = {}

    def run_notebook(name: str) -> Run:
        if name not in finished:
            folder = tmp_path_factory.mktemp(name)
            (folder / "data").symlink_to(ROOT / "data")
            result = Run()
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                for code in code_cells(ROOT / "examples" / f"{name}.py"):
                    output = run_cell(code, result.names)
                    if output is not None:
                        result.outputs.append(output)
            result.written = sorted(path.name for path in folder.iterdir())
            finished[name] = result
        return finished[name]

    return run_notebook


def outputs_of(result: Run, kind: type) -> list[Any]:
    return [output for output in result.outputs if isinstance(output, kind)]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_top_to_bottom_and_writes_nothing(run, name):
    result = run(name)

    assert len(result.outputs) > 3
    assert result.written == ["data"]


@pytest.mark.parametrize("name", NAMES)
def test_every_output_of_a_notebook_is_readable(run, name):
    for output in run(name).outputs:
        assert " object at 0x" not in repr(output)
        if hasattr(output, "_repr_html_") and output._repr_html_() is not None:
            assert 0 < len(output._repr_html_()) < 20_000


def test_the_analyst_sees_series_backtest_and_forecast(run):
    result = run("analyst")

    [panel] = outputs_of(result, Panel)
    assert panel.target == "Sunspots"
    [backtest] = outputs_of(result, Backtest)
    models = set(backtest.leaderboard.index)
    assert {"guarded lstm", "zero_shot", "last_value"} <= models
    assert backtest.leaderboard.loc["guarded lstm", "skill"] > 0
    [forecast] = outputs_of(result, Forecast)
    months = forecast.to_frame()["timestamp"]
    assert months.dt.strftime("%Y-%m").tolist() == [
        f"1984-{month:02}" for month in range(1, 13)
    ]


def test_the_data_scientist_plans_covariates_and_asks_what_if(run):
    result = run("data_scientist")

    [panel] = outputs_of(result, Panel)
    assert dict(panel.roles) == {
        "wind": "past", "yearly_sin": "known", "yearly_cos": "known",
    }  # fmt: skip
    assert panel.timestamps.max() == np.datetime64("2015-12-31")
    [forecaster] = outputs_of(result, Forecaster)
    assert "wind" in forecaster._repr_html_()
    names = result.names
    difference = names["what_if"].points - names["forecast"].points
    assert (difference > 0).all()  # July is warmer than January
    assert sum(names["shares"].values()) == pytest.approx(1)


def test_the_student_finds_the_slope_at_the_lag_that_matters(run):
    names = run("student").names

    by_lag = names["by_lag"]
    late_to_early = by_lag.iloc[30:].median() / by_lag.iloc[:10].median()
    assert (late_to_early[["rnn", "lstm", "gru"]] < 1e-3).all()
    assert late_to_early["gru, update bias 4"] > 0.1
    sensitivity = names["sensitivity"]
    assert sensitivity.loc["step 1"].idxmax() == 5
    assert sensitivity.loc["step 2"].idxmax() == 4
