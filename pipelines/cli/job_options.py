"""A command about a job: its options stand for keys of a job file."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.console import Console

# Options that stand for keys of a job file, and win over it: key, type, help.
JOB_OPTIONS: dict[str, tuple[str, type, str]] = {
    "name": ("name", str, "Name of the registered model. Default: the file's."),
    "time": ("data.time", str, "Column with the dates."),
    "target": ("data.target", str, "Column to forecast."),
    "series_id": ("data.series_id", str, "Column that names the series."),
    "freq": ("data.freq", str, "Frequency: D, MS, h, ... Default: inferred."),
    "missing": (
        "data.missing",
        str,
        "error, interpolate, forward or mean. Default: error.",
    ),
    "preset": (
        "preset",
        str,
        "classic, guarded, or accurate: chosen on the data. Default: guarded.",
    ),
    "cell": ("model.cell", str, "rnn, lstm, gru or mlp. Default: lstm."),
    "seq_len": ("windows.seq_len", int, "Observations in a window. Default: 5."),
    "horizon": ("windows.horizon", int, "Steps ahead. Default: 2."),
    "epochs": ("training.epochs", int, "Passes over the data, at most. Default: 100."),
    "seed": ("training.seed", int, "Same seed, same weights. Default: 0."),
    "device": ("training.device", str, "auto, cpu, cuda or mps. Default: auto."),
    "folds": ("evaluation.folds", int, "Cutoffs of the backtest. Default: auto."),
}


def job_command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], None]:
    """Make a command of a function of a job, a console and options of its own."""

    def decorate(function: Callable[..., None]) -> None:
        own = list(inspect.signature(function).parameters.values())[2:]
        parameters = [
            _parameter(
                "source", Path, typer.Argument(help="Job file (.yaml) or CSV."), ...
            )
        ]
        for option, (_, kind, text) in JOB_OPTIONS.items():
            parameters.append(
                _parameter(option, Optional[kind], typer.Option(help=text), None)  # noqa: UP045
            )

        def command(source: Path, **options: Any) -> None:
            from pipelines.config.job import read_job

            given = {
                key: value
                for option, (key, _, _) in JOB_OPTIONS.items()
                if (value := options.pop(option)) is not None
            }
            function(read_job(source, given), Console(), **options)

        command.__doc__ = function.__doc__
        command.__signature__ = inspect.Signature([*parameters, *own])  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in [*parameters, *own]}
        app.command(name)(command)

    return decorate


def _parameter(name: str, kind: Any, info: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=inspect.Parameter.empty if default is ... else default,
        annotation=Annotated[kind, info],
    )
