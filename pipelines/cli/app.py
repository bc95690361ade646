"""The command line: parse, call, report.

Commands import what they need when they run: torch and MLflow take seconds, and
``--help`` or a slip of the keyboard should not wait for them.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.cli.explain import explain_command
from pipelines.cli.job_options import job_command
from pipelines.cli.options import NewData, SeriesId, Target, Time, TrainedModel

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.config.job import Job
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


@job_command(app, "train")
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
    from pipelines.cli import report
    from pipelines.cli.torchrun import is_follower
    from pipelines.jobs.train import follow, train

    if is_follower():
        follow(job, start=start)
        return
    result = train(job, console, start=start)
    report.notes(console, result.notes)
    _report_scores(console, result.scores, job, f"{result.name}: backtest")
    report.outcome(console, result)


@job_command(app, "compare")
def compare_command(job: "Job", console: Console) -> None:
    """Train RNN, LSTM and GRU under one budget and register the best."""
    from pipelines.cli import report
    from pipelines.cli.torchrun import is_follower
    from pipelines.jobs.compare import compare, follow

    if is_follower():
        follow(job)
        return
    result = compare(job, console)
    report.notes(console, result.notes)
    _report_scores(console, result.scores, job, f"{result.name}: leaderboard")
    report.outcome(console, result)


@job_command(app, "backtest")
def backtest_command(
    job: "Job",
    console: Console,
    output: Output = None,
    refit: Annotated[bool, typer.Option(help="Train anew at every cutoff.")] = False,
) -> None:
    """Evaluate on rolling origins; nothing is tracked or registered."""
    from pipelines.cli import report
    from pipelines.jobs.backtest import run_backtest
    from pipelines.output.files import check_output, write_csv

    check_output(output)
    experiment, table, scores = run_backtest(job, console, refit=refit)
    report.notes(console, experiment.notes)
    title = f"{job.name}: {len(experiment.folds)} folds of {experiment.horizon} steps"
    _report_scores(console, scores, job, title)
    if output is not None:
        write_csv(table, output)
        console.print(f"wrote {len(table)} forecasts to {output}", soft_wrap=True)


@job_command(app, "tune")
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
    from pipelines.cli import report
    from pipelines.jobs.tune import tune

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
    from pipelines.cli import report

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
    from pipelines.cli import report
    from pipelines.jobs.forecast import forecast, load_model
    from pipelines.output.files import check_output, write_csv

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
    from pipelines.cli import report
    from pipelines.tracking.registry import list_versions
    from pipelines.tracking.runs import connect

    connect()
    report.models(Console(), list_versions(name))


@app.command("promote")
def promote_command(
    name: ModelName,
    version: Annotated[str, typer.Argument(help="Its number.")],
    alias: Alias = "champion",
) -> None:
    """Point an alias at a version."""
    from pipelines.tracking.registry import promote
    from pipelines.tracking.runs import connect

    connect()
    promote(name, version, alias)
    Console().print(f"{name}@{alias} is now version {version}")


@app.command("rollback")
def rollback_command(name: ModelName, alias: Alias = "champion") -> None:
    """Point an alias back at the version it pointed to before."""
    from pipelines.tracking.registry import rollback
    from pipelines.tracking.runs import connect

    connect()
    Console().print(f"{name}@{alias} is now version {rollback(name, alias)}")


def add_commands(to: typer.Typer) -> None:
    """Add the commands that other packages offer under ``recast.commands``."""
    for entry in entry_points(group="recast.commands"):
        command: Callable[..., None] = entry.load()
        to.command(entry.name)(command)


add_commands(app)
