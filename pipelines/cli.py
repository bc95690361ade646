"""The command line: parse, call, report.

Commands import what they need when they run: torch and MLflow take seconds, and
``--help`` or a slip of the keyboard should not wait for them.
"""

import inspect
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.console import Console

from pipelines.explain_command import explain_command
from pipelines.options import NewData, SeriesId, Target, Time, TrainedModel

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.job import Job

app = typer.Typer(
    help="Recast: from a CSV to a trained, tracked, registered and served forecaster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Start with: recast train FILE.csv   then: recast forecast NAME",
)

Horizon = Annotated[int | None, typer.Option(help="Steps ahead. Default: as trained.")]
Output = Annotated[Path | None, typer.Option(help="CSV file to write.")]
Levels = Annotated[
    list[float] | None, typer.Option("--level", help="Interval in percent, repeatable.")
]
Alias = Annotated[str, typer.Option(help="The alias to move.")]
ModelName = Annotated[str, typer.Argument(help="The registered model.")]

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


def job_command(name: str) -> Callable[[Callable[..., None]], None]:
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
            from pipelines.job import read_job

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


@job_command("train")
def train_command(
    job: "Job",
    console: Console,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Model whose weights training starts from."),
    ] = None,
) -> None:
    """Train a forecaster, backtest it beside the baselines, register it.

    It becomes champion when it is the first, or beats the champion on the same origins.
    """
    from pipelines import report
    from pipelines.train import train

    result = train(job, console, start=start)
    report.notes(console, result.notes)
    _report_scores(console, result.scores, job, f"{result.name}: backtest")
    report.outcome(console, result)


@job_command("compare")
def compare_command(job: "Job", console: Console) -> None:
    """Train RNN, LSTM and GRU under one budget and register the best."""
    from pipelines import report
    from pipelines.compare import compare

    result = compare(job, console)
    report.notes(console, result.notes)
    _report_scores(console, result.scores, job, f"{result.name}: leaderboard")
    report.outcome(console, result)


@job_command("backtest")
def backtest_command(
    job: "Job",
    console: Console,
    output: Output = None,
    refit: Annotated[bool, typer.Option(help="Train anew at every cutoff.")] = False,
) -> None:
    """Evaluate on rolling origins; nothing is tracked or registered."""
    from pipelines import report
    from pipelines.backtest import run_backtest
    from pipelines.output import check_output, write_csv

    check_output(output)
    experiment, table, scores = run_backtest(job, console, refit=refit)
    report.notes(console, experiment.notes)
    title = f"{job.name}: {len(experiment.folds)} folds of {experiment.horizon} steps"
    _report_scores(console, scores, job, title)
    if output is not None:
        write_csv(table, output)
        console.print(f"wrote {len(table)} forecasts to {output}", soft_wrap=True)


@job_command("tune")
def tune_command(
    job: "Job",
    console: Console,
    trials: Annotated[
        int, typer.Option(min=1, help="In all, those of stopped searches included.")
    ] = 20,
    storage: Annotated[
        str | None,
        typer.Option(help="Database of the trials. Default: recast-tune.db."),
    ] = None,
) -> None:
    """Search the settings that the job leaves open; train and register the best.

    What the job file or an option sets stays as it is. Stopped, the same command goes
    on where it was.
    """
    from pipelines import report
    from pipelines.tune import tune

    result = tune(job, console, trials=trials, storage=storage)
    report.notes(console, result.outcome.notes)
    title = f"{job.name}: best trials, measured before the backtest"
    report.trials(console, result.trials, metric=job.evaluation.metric, title=title)
    title = f"{job.name}: backtest of trial {result.best}"
    _report_scores(console, result.outcome.scores, job, title)
    report.outcome(console, result.outcome)


def _report_scores(
    console: Console, scores: "pd.DataFrame", job: "Job", title: str
) -> None:
    from pipelines import report

    report.leaderboard(console, scores, metric=job.evaluation.metric, title=title)


@app.command("forecast")
def forecast_command(
    model: TrainedModel,
    data: NewData = None,
    future: Annotated[
        Path | None,
        typer.Option(help="CSV with the known covariates of the steps ahead."),
    ] = None,
    horizon: Horizon = None,
    level: Levels = None,
    time: Time = None,
    target: Target = None,
    series_id: SeriesId = None,
    output: Output = None,
) -> None:
    """Forecast what follows the series seen in training, or new observations."""
    from pipelines import report
    from pipelines.forecast import forecast, load_model
    from pipelines.output import check_output, write_csv

    console = Console()
    check_output(output)
    forecaster, name = load_model(model)
    made, said = forecast(
        forecaster,
        data=data,
        future=future,
        columns={"time": time, "target": target, "series_id": series_id},
        horizon=horizon,
        levels=tuple(level or (80.0, 95.0)),
    )
    report.notes(console, said)
    if output is None:
        report.forecasts(console, made, name)
    else:
        write_csv(made.to_frame(), output)
        console.print(f"wrote {made.points.size} rows to {output}", soft_wrap=True)


app.command("explain")(explain_command)


@app.command("models")
def models_command(
    name: Annotated[str | None, typer.Argument(help="One model; default all.")] = None,
) -> None:
    """List registered versions, their aliases and errors."""
    from pipelines import report
    from pipelines.registry import list_versions
    from pipelines.tracking import connect

    connect()
    report.models(Console(), list_versions(name))


@app.command("promote")
def promote_command(
    name: ModelName,
    version: Annotated[str, typer.Argument(help="Its number.")],
    alias: Alias = "champion",
) -> None:
    """Point an alias at a version."""
    from pipelines.registry import promote
    from pipelines.tracking import connect

    connect()
    promote(name, version, alias)
    Console().print(f"{name}@{alias} is now version {version}")


@app.command("rollback")
def rollback_command(name: ModelName, alias: Alias = "champion") -> None:
    """Point an alias back at the version it pointed to before."""
    from pipelines.registry import rollback
    from pipelines.tracking import connect

    connect()
    Console().print(f"{name}@{alias} is now version {rollback(name, alias)}")


def add_commands(to: typer.Typer) -> None:
    """Add the commands that other packages offer under ``recast.commands``."""
    for entry in entry_points(group="recast.commands"):
        command: Callable[..., None] = entry.load()
        to.command(entry.name)(command)


add_commands(app)
