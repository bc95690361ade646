"""Commands of ``recast``: parse the options, run the job, print its result.

Each command imports its job when it runs: torch and MLflow take seconds to import, and
``--help`` or a mistyped option should not wait for them.
"""

from collections.abc import Callable
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from forecasting.errors import SettingError
from pipelines.cli.explain import explain_command
from pipelines.cli.forecast import forecast_command
from pipelines.cli.inspect import add_inspect_command
from pipelines.cli.job_options import job_command
from pipelines.cli.options import (
    AsJson,
    ColumnNames,
    ColumnNamesOption,
    Full,
    IfChanged,
    Output,
    Ray,
    Resume,
    WorkDir,
)
from pipelines.cli.outputs import write_rows
from pipelines.cli.report import report_command
from pipelines.cli.run import add_run_command
from pipelines.cli.sequences import (
    generate_command,
    predict_command,
    train_discrete,
)

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.config.job import Job
    from pipelines.config.sequence_job import SequenceJob
    from pipelines.jobs.registration import Outcome

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Start with: recast forecast FILE.csv   or with a training: recast inspect "
    "FILE.csv   then: recast train FILE.csv   then: recast forecast NAME",
)

Alias = Annotated[str, typer.Option(help="The alias to move.")]
ModelName = Annotated[str, typer.Argument(help="Name of the registered model.")]


def show_version(is_asked: bool) -> None:
    """Print the version of the installed package and exit."""
    if is_asked:
        typer.echo(f"recast {version('recast-forecasting')}")
        raise typer.Exit


@app.callback()
def show_options(
    show: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            callback=show_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Recast: from a CSV to a trained, tracked, registered and served forecaster."""


add_inspect_command(app)


@job_command(app, "train", of_any_task=True)
def train_command(
    job: "Job | SequenceJob",
    console: Console,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Fine-tune this model: name, name@alias, name/version or a model "
            "folder. Default: train from random weights.",
        ),
    ] = None,
    resume: Resume = False,
    if_changed: IfChanged = False,
    work_dir: WorkDir = None,
    as_json: AsJson = False,
) -> None:
    """Train a forecaster, backtest it beside the baselines, register it.

    The run and its figures go to MLflow (MLFLOW_TRACKING_URI). The new version
    becomes champion if it is the first, or if it beats the champion on the same
    origins.

    With --task, a model of discrete series: labels of series or steps, or the next
    symbol, measured on whole series or on the latest steps.

    Examples:
      recast train sales.csv
      recast train sales.csv --horizon 14 --seq-len 28
      recast train jobs/sunspots.yaml --set model.hidden_size=64
      recast train shops.csv --series-id store,item --known price,promo --missing zero
      recast train new-sales.csv --from sales@champion
      recast train jobs/sunspots.yaml --resume
      recast train data/gestures.csv --task classify
      recast train machine.csv --task label --label state --channels x,y,z
      recast train data/verse.txt --task next
    """
    from pipelines.config.sequence_job import SequenceJob

    if if_changed and _is_unchanged(job, start, console, as_json):
        return
    if isinstance(job, SequenceJob):
        refused = {"--from": start, "--resume": resume, "--work-dir": work_dir}
        train_discrete(job, console, refused, as_json)
        return
    from pipelines.checkpoints.opening import WorkOptions
    from pipelines.cli.torchrun import is_follower
    from pipelines.jobs.train import follow, train

    work = WorkOptions(resume, work_dir)
    if is_follower():
        follow(job, start=start, work=work)
        return
    result = train(job, console, start=start, work=work)
    _report_outcome(console, result, job, f"{result.name}: backtest", as_json)


def _is_unchanged(
    job: "Job | SequenceJob", start: str | None, console: Console, as_json: bool
) -> bool:
    """Return whether a training would repeat a finished run, and print that run."""
    from pipelines.checkpoints.finished import find_finished
    from pipelines.tracking.runs import connect

    if start is not None:
        raise SettingError("--if-changed", f"--from {start}", "without --from")
    connect()
    finished = find_finished(job, "train")
    if finished is None:
        return False
    if as_json:
        from pipelines.cli.printing.as_json import print_json

        names = ("name", "version", "run_id")
        plain = {name: getattr(finished, name) for name in names}
        print_json(plain | {"status": "unchanged"})
    else:
        console.print(f"{job.name}: {finished.describe()}", soft_wrap=True)
    return True


@job_command(app, "compare")
def compare_command(
    job: "Job",
    console: Console,
    resume: Resume = False,
    work_dir: WorkDir = None,
    as_json: AsJson = False,
) -> None:
    """Train an RNN, an LSTM and a GRU under one budget and register the best.

    All three get the same data, windows, epochs, batch size, learning rate and
    seed. Each is a nested run in MLflow; --cell has no effect.

    Examples:
      recast compare sales.csv --horizon 14
      recast compare sales.csv --json > leaderboard.json
    """
    from pipelines.checkpoints.opening import WorkOptions
    from pipelines.cli.torchrun import is_follower
    from pipelines.jobs.compare import compare, follow

    work = WorkOptions(resume, work_dir)
    if is_follower():
        follow(job, work=work)
        return
    result = compare(job, console, work=work)
    _report_outcome(console, result, job, f"{result.name}: leaderboard", as_json)


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
    full: Full = False,
    column_names: ColumnNamesOption = ColumnNames.recast,
    as_json: AsJson = False,
) -> None:
    """Evaluate a model on rolling origins; nothing is tracked or registered.

    Prints a leaderboard of the model and the baselines, best first.

    Examples:
      recast backtest sales.csv --horizon 14 --folds 4 --output backtest.csv
      recast backtest sales.csv --output backtest.parquet --column-names data
      recast backtest sales.csv --json
    """
    from pipelines.output.files import check_output

    check_output(output)
    from pipelines.jobs.backtest import run_backtest

    experiment, table, scores = run_backtest(job, console, refit=refit)
    evidence = experiment.comparison.evidence(table, str(table["model"].iat[0]))
    if as_json:
        from pipelines.cli.printing.as_json import plain_scores, print_json

        print_json({"notes": list(experiment.notes), "scores": plain_scores(scores)})
    else:
        from pipelines.cli.printing import tables

        tables.print_notes(console, experiment.notes)
        folds = f"{len(experiment.folds)} folds of {experiment.horizon} steps"
        _report_scores(console, scores, job, f"{job.name}: {folds}")
        tables.print_evidence(console, evidence)
    if output is not None:
        schema = experiment.panel.schema if column_names == "data" else None
        write_rows(console, table, output, full=full, schema=schema, target="actual")


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
    parallel: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Trials at once, in processes of their own: each round of so many is "
            "suggested together, so that the result depends on the number. Default: "
            "one after another; 4 with --ray.",
        ),
    ] = None,
    ray: Ray = None,
    resume: Resume = False,
    work_dir: WorkDir = None,
    as_json: AsJson = False,
) -> None:
    """Search the settings that the job leaves open; train and register the best.

    Settings in the job file or in an option are fixed. Trials are measured before
    the backtest begins. The same command resumes a search that was stopped.

    Examples:
      recast tune sales.csv --horizon 14 --trials 40
      recast tune sales.csv --trials 40 --ray local --parallel 2
    """
    from pipelines.batch.trials import open_trials
    from pipelines.checkpoints.opening import WorkOptions
    from pipelines.cli.printing import tables
    from pipelines.search.tune import tune

    work = WorkOptions(resume, work_dir)
    with open_trials(ray, parallel, work, job.resources) as place:
        result = tune(
            job, console, trials=trials, storage=storage, work=work, parallel=place
        )
    if as_json:
        from pipelines.cli.printing.as_json import plain_outcome, print_json
        from pipelines.output.files import to_records

        trial_rows = to_records(result.trials)
        print_json(plain_outcome(result.outcome) | {"trials": trial_rows})
        return
    tables.print_notes(console, result.outcome.notes)
    title = f"{job.name}: best trials, measured before the backtest"
    tables.print_trials(
        console, result.trials, metric=job.evaluation.metric, title=title
    )
    title = f"{job.name}: backtest of trial {result.best}"
    _report_scores(console, result.outcome.scores, job, title)
    _report_version(console, result.outcome)


add_run_command(app)


def _report_outcome(
    console: Console, result: "Outcome", job: "Job", title: str, as_json: bool
) -> None:
    if as_json:
        from pipelines.cli.printing.as_json import plain_outcome, print_json

        print_json(plain_outcome(result))
        return
    from pipelines.cli.printing import tables

    tables.print_notes(console, result.notes)
    _report_scores(console, result.scores, job, title)
    _report_version(console, result)


def _report_version(console: Console, result: "Outcome") -> None:
    from pipelines.cli.printing import tables

    tables.print_outcome(console, result)
    alias = result.alias if result.verdict.promote else None
    reference = tables.name_reference(result.name, result.version, alias)
    tables.print_next_steps(console, reference)


def _report_scores(
    console: Console, scores: "pd.DataFrame", job: "Job", title: str
) -> None:
    from pipelines.cli.printing import tables

    tables.print_leaderboard(console, scores, metric=job.evaluation.metric, title=title)


app.command("forecast")(forecast_command)
app.command("predict")(predict_command)
app.command("generate")(generate_command)
app.command("explain")(explain_command)
app.command("report")(report_command)


@app.command("models")
def models_command(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of one registered model. Default: all models."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List registered versions, newest first, with their aliases and errors.

    MASE is the mean absolute scaled error of the backtest. Skill is 1 - error /
    error of the last value: a positive skill beats the naive forecast. Models of
    discrete series have their accuracy on the test part.

    Examples:
      recast models
      recast models sales --json
    """
    from pipelines.tracking.registry import list_versions
    from pipelines.tracking.runs import connect

    connect()
    rows = list_versions(name)
    if as_json:
        from pipelines.cli.printing.as_json import plain_models, print_json

        print_json(plain_models(rows))
    else:
        from pipelines.cli.printing import sequences, tables

        console, discrete = Console(), [row for row in rows if row.task != "forecast"]
        forecasters = [row for row in rows if row.task == "forecast"]
        if forecasters or not discrete:
            tables.print_models(console, forecasters)
        if discrete:
            sequences.print_sequence_models(console, discrete)


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
