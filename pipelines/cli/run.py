"""Command ``recast run``: many jobs, several at a time."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.job_options import (
    JOB_OPTIONS,
    SETTINGS,
    option_parameters,
    set_signature,
    take_overrides,
)
from pipelines.cli.options import AsJson, IfChanged, Ray, Resume, WorkDir
from pipelines.cli.outputs import open_console

if TYPE_CHECKING:
    from pipelines.batch.plan import PlannedJob
    from pipelines.batch.run import MakeExecutor

Sources = Annotated[
    list[Path],
    typer.Argument(
        help="Job files (.yaml), which may have a matrix; CSV files; or folders of "
        "job files, of CSV files where a folder has no job file."
    ),
]


def add_run_command(app: typer.Typer) -> None:
    """Register the command, with the options of a job."""
    extra = list(inspect.signature(run_command).parameters.values())[1:-1]
    parameters = [
        inspect.Parameter(
            "sources", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Sources
        ),
        *extra,
        *option_parameters(JOB_OPTIONS),
        SETTINGS,
    ]

    def command(sources: list[Path], **options: Any) -> None:
        run_command(sources, **options)

    set_signature(command, parameters)
    command.__doc__ = run_command.__doc__
    app.command("run")(command)


def run_command(
    sources: list[Path],
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Jobs at a time, a process each. Default: one a core, as memory "
            "allows; one a GPU; with --ray, as many as fit.",
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="train|compare|tune",
            help="Command for each job. Default: that of the key command of its job "
            "file, else train.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Trials of each job that is tuned. Default: 20."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="Database URL of the trials. Default: as recast tune."),
    ] = None,
    resume: Resume = False,
    if_changed: IfChanged = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a report of every job to this .json file, while they run.",
        ),
    ] = None,
    work_dir: WorkDir = None,
    ray: Ray = None,
    as_json: AsJson = False,
    **options: Any,
) -> None:
    """Train many jobs, several at a time, and register a model for each.

    All jobs are read before the first starts. A job that fails does not stop the
    others and is tried once more. Options of a job apply to all jobs.

    Exit codes: 0 all done; 1 a job failed; 2 bad input, nothing started; 130 Ctrl-C.

    Examples:
      recast run jobs/
      recast run jobs/sunspots.yaml jobs/stocks.yaml --workers 2 --report report.json
      recast run shops/*.csv --horizon 14 --if-changed
      recast run jobs/ --resume
      recast run jobs/ --ray 10.0.0.1:6379
    """
    if ray is None:
        from pipelines.batch.processes import start_preloading

        start_preloading()  # it imports torch and MLflow while the jobs are read
    from pipelines.batch.display import print_summary
    from pipelines.batch.plan import check_command, read_plan
    from pipelines.config.keys import parse_settings
    from pipelines.config.sequence_job import all_keys

    console = open_console(None, as_json)
    settings = options.pop("settings") or []
    overrides = take_overrides(JOB_OPTIONS, options)
    overrides |= parse_settings(sources[0], settings, all_keys())
    chosen = check_command(command) if command else None
    is_elsewhere = ray not in (None, "local")
    jobs = read_plan(sources, overrides, chosen, check_data=not is_elsewhere)
    from pipelines.batch.report import to_plain
    from pipelines.batch.run import BatchOptions, run_batch

    batch_options = BatchOptions(
        resume=resume,
        if_changed=if_changed,
        folder=work_dir,
        report=report,
        trials=trials,
        storage=storage,
    )
    with _places(ray, jobs, workers) as make_executor:
        state = run_batch(jobs, sources, batch_options, make_executor, console)
    failed = state.counts["failed"]
    if as_json:
        from pipelines.cli.printing.as_json import print_json

        print_json(to_plain(state, "failed" if failed else "done"))
    else:
        print_summary(console, state)
    if failed:
        raise typer.Exit(1)


@contextmanager
def _places(
    ray: str | None, jobs: "list[PlannedJob]", workers: int | None
) -> "Iterator[MakeExecutor]":
    """Return a function that makes the executor: of this machine, or of a cluster."""
    if ray is None:
        yield _local_processes(jobs, workers)
        return
    from pipelines.batch.cluster.ray_cluster import RayCluster, open_cluster
    from pipelines.tracking.runs import connect

    with open_cluster(ray):
        yield lambda folder: (RayCluster(folder, connect(), workers), workers)


def _local_processes(jobs: "list[PlannedJob]", workers: int | None) -> "MakeExecutor":
    """Return a function that makes the executor of this machine."""
    from pipelines.batch.processes import Processes
    from pipelines.batch.run import choose_workers

    number = min(workers or choose_workers(jobs), len(jobs))
    return lambda folder: (Processes(number, folder), number)
