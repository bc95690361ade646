"""Commands that run a job: each option overrides a key of the job file."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Optional

import typer

from forecasting.errors import SettingError
from pipelines.cli.outputs import open_console
from pipelines.cli.sources import ask_at_once, check_files, read_series

COLUMNS, FORM, MODEL = "Columns", "Form of the data", "Model and evaluation"
FORECAST = "forecast"  # the task of a job that says none
DISCRETE = "Discrete series: labels and symbols"


class JobOption(NamedTuple):
    """An option of the commands that run a job.

    Attributes:
        key: of the job file.
        kind: type of the value; a list may be repeated.
        help: text of ``--help``.
        panel: heading above it.
    """

    key: str
    kind: Any
    help: str
    panel: str = MODEL


DATA_OPTIONS: dict[str, JobOption] = {
    "time": JobOption(
        "data.time",
        str,
        "Column with the timestamps; several are joined: Year,Month. Default: the only "
        "date column.",
        COLUMNS,
    ),
    "target": JobOption(
        "data.target",
        str,
        "Column to forecast. Default: the only numeric column.",
        COLUMNS,
    ),
    "series_id": JobOption(
        "data.series_id",
        str,
        "Column that names the series, or several: store,item. Default: inferred.",
        COLUMNS,
    ),
    "known": JobOption(
        "data.known_covariates",
        list[str],
        "Covariate that is known over the horizon too, such as promotions; repeat the "
        "option, or give a list: price,promo.",
        COLUMNS,
    ),
    "past": JobOption(
        "data.past_covariates",
        list[str],
        "Covariate that is known up to the last observation, such as the weather; "
        "repeat the option, or give a list.",
        COLUMNS,
    ),
    "static": JobOption(
        "data.static_covariates",
        list[str],
        "Covariate with one value a series, such as a region; repeat the option, or "
        "give a list.",
        COLUMNS,
    ),
    "text": JobOption(
        "data.text",
        list[str],
        "Covariate that holds categories, even if they look like numbers; repeat the "
        "option, or give a list.",
        COLUMNS,
    ),
    "freq": JobOption(
        "data.freq",
        str,
        "Frequency as a pandas alias: D, MS, h, ... Default: inferred.",
        FORM,
    ),
    "zone": JobOption(
        "data.zone",
        str,
        "Time zone of the timestamps: Europe/Berlin, +05:30, ... Those without an "
        "offset are its local times. Default: that of the timestamps.",
        FORM,
    ),
    "time_format": JobOption(
        "data.time_format",
        str,
        "Form of the timestamps, as in Python: %d.%m.%Y. Default: inferred.",
        FORM,
    ),
    "decimal": JobOption(
        "data.decimal",
        str,
        "Mark before the decimals: . or , Default: inferred.",
        FORM,
    ),
    "encoding": JobOption(
        "data.encoding",
        str,
        "Encoding of the file: utf-8, cp1252, ... Default: inferred.",
        FORM,
    ),
    "missing": JobOption(
        "data.missing",
        str,
        "Treatment of missing values and moments: error, interpolate, forward, mean or "
        "zero. Default: error.",
        FORM,
    ),
    "resample": JobOption(
        "data.resample",
        str,
        "Steps to which irregular rows are gathered: 5min, h, D, ... Default: none.",
        FORM,
    ),
    "aggregate": JobOption(
        "data.aggregate",
        str,
        "Value of the rows of one step: mean, sum, min, max, first or last.",
        FORM,
    ),
}

JOB_OPTIONS: dict[str, JobOption] = {
    "name": JobOption(
        "name",
        str,
        "Name of the registered model. Default: the name of the CSV file.",
    ),
    **DATA_OPTIONS,
    "preset": JobOption(
        "preset",
        str,
        "Settings as a set: classic (one network), guarded (falls back to a simple "
        "forecast that validates better), accurate (settings chosen on the data, "
        "slower) or zero_shot (no training: the network of the package). Default: "
        "guarded.",
    ),
    "for_each": JobOption(
        "for_each",
        str,
        "Train a model of its own for each: series. One registered model holds all. "
        "Default: one model of all series.",
    ),
    "cell": JobOption(
        "model.cell",
        str,
        "Kind of network: rnn, lstm, gru or mlp. Default: lstm.",
    ),
    "seq_len": JobOption(
        "windows.seq_len",
        int,
        "Observations that the network reads (lookback), such as 28. Default: by the "
        "frequency of a CSV file; 5 in a job file.",
    ),
    "horizon": JobOption(
        "windows.horizon",
        int,
        "Steps to forecast, such as 14. Default: by the frequency of a CSV file; 2 in "
        "a job file.",
    ),
    "epochs": JobOption(
        "training.epochs",
        int,
        "Maximum number of passes over the training windows. Default: 100.",
    ),
    "seed": JobOption(
        "training.seed",
        int,
        "Seed of the random numbers; the same seed gives the same weights. Default: 0.",
    ),
    "device": JobOption(
        "training.device",
        str,
        "Device of the training: auto, cpu, cuda or mps. Default: auto.",
    ),
    "folds": JobOption(
        "evaluation.folds",
        int,
        "Cutoffs of the backtest, one horizon apart. Default: auto, which tests the "
        "latest fifth of the series.",
    ),
}

SEQUENCE_OPTIONS: dict[str, JobOption] = {
    "task": JobOption(
        "task",
        str,
        "What is learnt: forecast (the next values), classify (a label for each "
        "series), label (a label for each step) or next (the next symbol). Default: "
        "forecast.",
        DISCRETE,
    ),
    "label": JobOption(
        "data.label",
        str,
        "Column with the labels, of classify and label. Default: label or class, or "
        "the only column of text.",
        DISCRETE,
    ),
    "channels": JobOption(
        "data.channels",
        str,
        "Columns with the numbers of each step, of classify and label: x,y,z. Default: "
        "all columns of numbers.",
        DISCRETE,
    ),
    "symbol": JobOption(
        "data.symbol",
        str,
        "Column with the symbols, of next. A .txt file is a series of characters. "
        "Default: symbol or event, or the only column left.",
        DISCRETE,
    ),
    "test": JobOption(
        "data.test",
        str,
        "File with the test part, of classify, label and next. Default: whole series, "
        "or the latest steps of each.",
        DISCRETE,
    ),
}

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any key of the job file by its path, such as model.hidden_size=64 or "
        "evaluation.levels=[50,90]; repeat the option for several.",
    ),
]

SETTINGS = inspect.Parameter(
    "settings",
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    default=None,
    annotation=Settings,
)


def job_command(
    app: typer.Typer, name: str, *, of_any_task: bool = False
) -> Callable[[Callable[..., None]], None]:
    """Register a function of a job and a console as a command with job options.

    Further parameters of the function become further options.

    Args:
        app: that the command is added to.
        name: of the command.
        of_any_task: whether it takes jobs of discrete series too.
    """
    job_options = JOB_OPTIONS | (SEQUENCE_OPTIONS if of_any_task else {})

    def decorate(function: Callable[..., None]) -> None:
        extra = list(inspect.signature(function).parameters.values())[2:]
        source_help = "Job file (.yaml), or a CSV file with the series."
        parameters = [
            parameter("source", Path, typer.Argument(help=source_help), ...),
            *option_parameters(job_options),
            SETTINGS,
        ]

        def command(source: Path, settings: list[str] | None, **options: Any) -> None:
            settings = settings or []
            console = open_console(options.get("output"), options.get("as_json", False))
            overrides, panel = take_overrides(job_options, options), None
            check_files(source)
            is_discrete = any(o.key in overrides for o in SEQUENCE_OPTIONS.values())
            if options.get("start") is None and not settings and not is_discrete:
                panel = read_series(source, overrides)
            from pipelines.config.keys import parse_settings
            from pipelines.config.sequence_job import (
                SequenceJob,
                all_keys,
                read_any_job,
            )

            overrides |= parse_settings(source, settings, all_keys())
            job = read_any_job(source, overrides, panel)
            if isinstance(job, SequenceJob):
                if not of_any_task:
                    expected = f"{FORECAST} with recast {name}; recast train takes it"
                    raise SettingError("task", job.task, expected)
                function(job, console, **options)
                return
            columns = dict(job.data)
            with ask_at_once(columns.pop("path"), columns):
                function(job, console, **options)

        set_signature(command, [*parameters, *extra])
        command.__doc__ = function.__doc__
        app.command(name)(command)

    return decorate


def option_parameters(options: Mapping[str, JobOption]) -> list[inspect.Parameter]:
    """Return parameters of a function for options that override keys of a job."""
    return [
        parameter(
            name,
            Optional[option.kind],  # noqa: UP045
            typer.Option(help=option.help, rich_help_panel=option.panel),
            None,
        )
        for name, option in options.items()
    ]


def take_overrides(
    options: Mapping[str, JobOption], values: dict[str, Any]
) -> dict[str, Any]:
    """Remove the values of options, and return those of the user by key of the job."""
    chosen = {option.key: values.pop(name) for name, option in options.items()}
    return {key: value for key, value in chosen.items() if value not in (None, [])}


def set_signature(
    command: Callable[..., None], parameters: list[inspect.Parameter]
) -> None:
    """Give a command the parameters from which its options are made."""
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}


def parameter(name: str, kind: Any, info: Any, default: Any) -> inspect.Parameter:
    """Return a parameter of a function for an option or argument of a command."""
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=inspect.Parameter.empty if default is ... else default,
        annotation=Annotated[kind, info],
    )
