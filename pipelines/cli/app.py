"""Commands of ``recast``: parse the options, run the job, print its result.

Each command imports its job when it runs: torch and MLflow take seconds to import, and
``--help`` or a mistyped option should not wait for them.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.cli.explain import explain_command
from pipelines.cli.inspect import add_inspect_command
from pipelines.cli.job_options import job_command
from pipelines.cli.options import (
    Decimal,
    Encoding,
    Missing,
    NewData,
    SeriesId,
    Target,
    Time,
    TimeFormat,
    TrainedModel,
)

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.config.job import Job

app = typer.Typer(
    help="Recast: from a CSV to a trained, tracked, registered and served forecaster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Start with: recast inspect FILE.csv   then: recast train FILE.csv   then: "
    "recast forecast NAME",
)

Horizon = Annotated[
    int | None,
    typer.Option(help="Steps to forecast. Default: the model's trained horizon."),
]

Output = Annotated[
    Path | None,
    typer.Option(help="Write the forecasts to this CSV file. Default: no file."),
]

Levels = Annotated[
    list[float] | None,
    typer.Option(
        "--level",
        help="Coverage of a central interval in percent; repeat the option for "
        "several. Default: 80 and 95.",
    ),
]

Alias = Annotated[str, typer.Option(help="The alias to move.")]
ModelName = Annotated[str, typer.Argument(help="Name of the registered model.")]

add_inspect_command(app)


@job_command(app, "train")
def train_command(
    job: "Job",
    console: Console,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Fine-tune this model: name, name@alias, name/version or a model "
            "folder. Default: train from random weights.",
        ),
    ] = None,
) -> None:
    """Train a forecaster, backtest it beside the baselines, register it.

    The run and its figures go to MLflow (MLFLOW_TRACKING_URI). The new version
    becomes champion if it is the first, or if it beats the champion on the same
    origins.

    Examples:
      recast train sales.csv --horizon 14
      recast train jobs/sunspots.yaml --set model.hidden_size=64
      recast train shops.csv --series-id store,item --known price,promo --missing zero
      recast train new-sales.csv --from sales@champion
    """
    from pipelines.cli import report
    from pipelines.cli.torchrun import is_follower
    from pipelines.jobs.train import follow, train

    if is_follower():
        follow(job, start=start)
        return
    result = train(job, console, start=start)
    report.print_notes(console, result.notes)
    _report_scores(console, result.scores, job, f"{result.name}: backtest")
    report.print_outcome(console, result)


@job_command(app, "compare")
def compare_command(job: "Job", console: Console) -> None:
    """Train an RNN, an LSTM and a GRU under one budget and register the best.

    All three get the same data, windows, epochs, batch size, learning rate and
    seed. Each is a nested run in MLflow; --cell has no effect.

    Example:
      recast compare sales.csv --horizon 14
    """
    from pipelines.cli import report
    from pipelines.cli.torchrun import is_follower
    from pipelines.jobs.compare import compare, follow

    if is_follower():
        follow(job)
        return
    result = compare(job, console)
    report.print_notes(console, result.notes)
    _report_scores(console, result.scores, job, f"{result.name}: leaderboard")
    report.print_outcome(console, result)


@job_command(app, "backtest")
def backtest_command(
    job: "Job",
    console: Console,
    output: Output = None,
    refit: Annotated[
        bool,
        typer.Option(
            help="Train again at every cutoff, instead of once before the first."
        ),
    ] = False,
) -> None:
    """Evaluate a model on rolling origins; nothing is tracked or registered.

    Prints a leaderboard of the model and the baselines, best first.

    Example:
      recast backtest sales.csv --horizon 14 --folds 4 --output backtest.csv
    """
    from pipelines.cli import report
    from pipelines.jobs.backtest import run_backtest
    from pipelines.output.files import check_output, write_csv

    check_output(output)
    experiment, table, scores = run_backtest(job, console, refit=refit)
    report.print_notes(console, experiment.notes)
    title = f"{job.name}: {len(experiment.folds)} folds of {experiment.horizon} steps"
    _report_scores(console, scores, job, title)
    report.print_evidence(
        console, experiment.evidence(table, str(table["model"].iat[0]))
    )
    if output is not None:
        write_csv(table, output)
        console.print(f"wrote {len(table)} forecasts to {output}", soft_wrap=True)


@job_command(app, "tune")
def tune_command(
    job: "Job",
    console: Console,
    trials: Annotated[
        int,
        typer.Option(
            min=1, help="Trials in all; those of a stopped search are counted."
        ),
    ] = 20,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Database URL of the trials. Default: the SQLite file recast-tune.db."
        ),
    ] = None,
) -> None:
    """Search the settings that the job leaves open; train and register the best.

    Settings in the job file or in an option are fixed. Trials are measured before
    the backtest begins. The same command resumes a search that was stopped.

    Example:
      recast tune sales.csv --horizon 14 --trials 40
    """
    from pipelines.cli import report
    from pipelines.jobs.tune import tune

    result = tune(job, console, trials=trials, storage=storage)
    report.print_notes(console, result.outcome.notes)
    title = f"{job.name}: best trials, measured before the backtest"
    report.print_trials(
        console, result.trials, metric=job.evaluation.metric, title=title
    )
    title = f"{job.name}: backtest of trial {result.best}"
    _report_scores(console, result.outcome.scores, job, title)
    report.print_outcome(console, result.outcome)


def _report_scores(
    console: Console, scores: "pd.DataFrame", job: "Job", title: str
) -> None:
    from pipelines.cli import report

    report.print_leaderboard(console, scores, metric=job.evaluation.metric, title=title)


@app.command("forecast")
def forecast_command(
    model: TrainedModel,
    data: NewData = None,
    future: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the known covariates over the horizon. Default: none."
        ),
    ] = None,
    horizon: Horizon = None,
    level: Levels = None,
    time: Time = None,
    target: Target = None,
    series_id: SeriesId = None,
    time_format: TimeFormat = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    missing: Missing = None,
    output: Output = None,
) -> None:
    """Forecast the training series, or new observations, with a registered model.

    Prints point forecasts and intervals, or writes them to a CSV file.

    Examples:
      recast forecast sales
      recast forecast sales/3 --data latest.csv --horizon 7 --output forecast.csv
    """
    from pipelines.cli import report
    from pipelines.jobs.forecast import forecast, load_model
    from pipelines.output.files import check_output, write_csv

    console = Console()
    check_output(output)
    forecaster, name = load_model(model)
    prediction, notes = forecast(
        forecaster,
        data=data,
        future=future,
        columns={
            "time": time,
            "target": target,
            "series_id": series_id,
            "time_format": time_format,
            "decimal": decimal,
            "encoding": encoding,
            "missing": missing,
        },
        horizon=horizon,
        levels=tuple(level or (80.0, 95.0)),
    )
    report.print_notes(console, notes)
    if output is None:
        report.print_forecast(console, prediction, name)
    else:
        write_csv(prediction.to_frame(), output)
        console.print(
            f"wrote {prediction.points.size} rows to {output}", soft_wrap=True
        )


app.command("explain")(explain_command)


@app.command("models")
def models_command(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of one registered model. Default: all models."),
    ] = None,
) -> None:
    """List registered versions, newest first, with their aliases and errors.

    MASE is the mean absolute scaled error of the backtest. Skill is 1 - error /
    error of the last value: a positive skill beats the naive forecast.

    Example:
      recast models sales
    """
    from pipelines.cli import report
    from pipelines.tracking.registry import list_versions
    from pipelines.tracking.runs import connect

    connect()
    report.print_models(Console(), list_versions(name))


@app.command("promote")
def promote_command(
    name: ModelName,
    version: Annotated[
        str, typer.Argument(help="Number of the version: see recast models.")
    ],
    alias: Alias = "champion",
) -> None:
    """Point an alias at a version.

    A running service that serves the alias loads the new version by itself.

    Example:
      recast promote sales 3
    """
    from pipelines.tracking.registry import promote
    from pipelines.tracking.runs import connect

    connect()
    promote(name, version, alias)
    Console().print(f"{name}@{alias} is now version {version}")


@app.command("rollback")
def rollback_command(name: ModelName, alias: Alias = "champion") -> None:
    """Point an alias back at the version it pointed to before.

    Repeat the command to go back further.

    Example:
      recast rollback sales
    """
    from pipelines.tracking.registry import rollback
    from pipelines.tracking.runs import connect

    connect()
    Console().print(f"{name}@{alias} is now version {rollback(name, alias)}")


def add_commands(to: typer.Typer) -> None:
    """Add the commands that other packages register under ``recast.commands``."""
    for entry in entry_points(group="recast.commands"):
        command: Callable[..., None] = entry.load()
        to.command(entry.name)(command)


add_commands(app)
