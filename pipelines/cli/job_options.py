"""Commands that run a job: each option overrides a key of the job file."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.console import Console

# Option: key of the job file, type, help.
JOB_OPTIONS: dict[str, tuple[str, type, str]] = {
    "name": (
        "name",
        str,
        "Name of the registered model. Default: the name of the CSV file.",
    ),
    "time": (
        "data.time",
        str,
        "Column with the timestamps. Default: the only date column.",
    ),
    "target": (
        "data.target",
        str,
        "Column to forecast. Default: the only numeric column.",
    ),
    "series_id": (
        "data.series_id",
        str,
        "Column that names the series, or several: store,item. Default: inferred.",
    ),
    "freq": (
        "data.freq",
        str,
        "Frequency as a pandas alias: D, MS, h, ... Default: inferred.",
    ),
    "missing": (
        "data.missing",
        str,
        "Treatment of missing values: error, interpolate, forward, mean or zero. "
        "Default: error.",
    ),
    "resample": (
        "data.resample",
        str,
        "Steps to which irregular rows are gathered, as a pandas alias: 5min, h, D, "
        "... Default: rows are not gathered.",
    ),
    "aggregate": (
        "data.aggregate",
        str,
        "Value of the rows of one step or moment: mean, sum, min, max, first or last. "
        "Default: a moment has one row.",
    ),
    "preset": (
        "preset",
        str,
        "Settings as a set: classic (one network), guarded (falls back to a simple "
        "forecast that validates better) or accurate (settings chosen on the data, "
        "slower). Default: guarded.",
    ),
    "cell": (
        "model.cell",
        str,
        "Kind of network: rnn, lstm, gru or mlp. Default: lstm.",
    ),
    "seq_len": (
        "windows.seq_len",
        int,
        "Observations that the network reads (lookback). Default: 5.",
    ),
    "horizon": ("windows.horizon", int, "Steps to forecast. Default: 2."),
    "epochs": (
        "training.epochs",
        int,
        "Maximum number of passes over the training windows. Default: 100.",
    ),
    "seed": (
        "training.seed",
        int,
        "Seed of the random numbers; the same seed gives the same weights. Default: 0.",
    ),
    "device": (
        "training.device",
        str,
        "Device of the training: auto, cpu, cuda or mps. Default: auto.",
    ),
    "folds": (
        "evaluation.folds",
        int,
        "Cutoffs of the backtest, one horizon apart. Default: auto, which tests the "
        "latest fifth of the series.",
    ),
}


def job_command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], None]:
    """Register a function of a job and a console as a command with job options.

    Further parameters of the function become further options.
    """

    def decorate(function: Callable[..., None]) -> None:
        extra = list(inspect.signature(function).parameters.values())[2:]
        source_help = "Job file (.yaml), or a CSV file with the series."
        parameters = [_parameter("source", Path, typer.Argument(help=source_help), ...)]
        for option, (_, kind, text) in JOB_OPTIONS.items():
            parameters.append(
                _parameter(option, Optional[kind], typer.Option(help=text), None)  # noqa: UP045
            )

        def command(source: Path, **options: Any) -> None:
            from pipelines.config.job import read_job

            overrides = {
                key: value
                for option, (key, _, _) in JOB_OPTIONS.items()
                if (value := options.pop(option)) is not None
            }
            function(read_job(source, overrides), Console(), **options)

        command.__doc__ = function.__doc__
        command.__signature__ = inspect.Signature([*parameters, *extra])  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in [*parameters, *extra]}
        app.command(name)(command)

    return decorate


def _parameter(name: str, kind: Any, info: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=inspect.Parameter.empty if default is ... else default,
        annotation=Annotated[kind, info],
    )
