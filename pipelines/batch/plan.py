"""Plan of a batch: the jobs of files, folders and matrices, checked at once."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from forecasting.errors import SettingError
from pipelines.batch.matrix import check_matrix, count_jobs, expand
from pipelines.batch.tasks import COMMANDS, Command
from pipelines.checkpoints.identity import digest_code
from pipelines.config.job import (
    Job,
    is_job_file,
    read_plain_job,
    set_value,
)
from pipelines.config.resources import Resources
from pipelines.config.sequence_job import SequenceJob, make_any_job
from pipelines.errors import BatchError, JobError

MAX_JOBS = 100_000
CSV_SUFFIXES = (".csv", ".csv.gz")


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job of a batch.

    Attributes:
        name: unique in the batch.
        command: the command of ``recast`` that runs it.
        text: the job file, see `pipelines.config.job.Job.explicit_yaml`.
        source: path of the file that the job is from.
        data: path of the series.
        resources: needs of the job.
        device: device of the training, as in the job.
    """

    name: str
    command: Command
    text: str
    source: Path
    data: Path
    resources: Resources
    device: str

    def digest(self, trials: int | None = None) -> str:
        """Return a digest of command, job, series and code, in hexadecimal digits.

        Series that this machine cannot read count by their path.

        Args:
            trials: of a search; None for the default.
        """
        command = f"{self.command} {trials}" if self.command == "tune" else self.command
        data = _digest_file(str(self.data.absolute()))
        parts = (command, self.text, data, digest_code())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def read_plan(
    sources: Sequence[Path],
    overrides: Mapping[str, Any] | None = None,
    command: Command | None = None,
    *,
    check_data: bool = True,
) -> list[PlannedJob]:
    """Read all jobs of a batch.

    Args:
        sources: job files, CSV files, and folders of job files (of CSV files where
            there is no job file).
        overrides: settings by dotted path; they replace those of every job.
        command: of every job; None for that of its file, by default ``train``.
        check_data: whether every file of series must be visible from here.

    Raises:
        BatchError: jobs cannot be read, or two have one name; with all problems.
    """
    jobs: list[PlannedJob] = []
    problems: dict[str, None] = {}  # in order; jobs of a matrix share problems
    for source in sources:
        try:
            for path in _list_files(source):
                for entry in _read_file(path, overrides or {}, command, len(jobs)):
                    if isinstance(entry, PlannedJob):
                        jobs.append(entry)
                    else:
                        problems[entry] = None
        except JobError as error:
            problems[str(error)] = None
    problems |= dict.fromkeys(_find_same_names(jobs))
    if check_data:
        problems |= dict.fromkeys(_find_missing_data(jobs))
    if problems:
        raise BatchError(problems)
    return jobs


def _list_files(source: Path) -> list[Path]:
    """Return the files of an argument, sorted by name.

    Raises:
        JobError: there is no such file, or a folder has none of a job.
    """
    if not source.exists():
        raise JobError(source, ["there is no such file or folder. Check the path."])
    if not source.is_dir():
        return [source]
    files = sorted(
        path
        for path in source.iterdir()
        if path.is_file() and not path.name.startswith(".")
    )
    jobs = [path for path in files if is_job_file(path)]
    jobs = jobs or [path for path in files if path.name.endswith(CSV_SUFFIXES)]
    if not jobs:
        advice = "Its subfolders are not searched: name them, or dir/*/*.yaml."
        problem = f"the folder holds no job file (.yaml) and no CSV file. {advice}"
        raise JobError(source, [problem])
    return jobs


def _read_file(
    source: Path, overrides: Mapping[str, Any], command: Command | None, before: int
) -> Iterator[PlannedJob | str]:
    """Yield the jobs of a file; for each that cannot be used, its problem.

    Args:
        source: job file or CSV file.
        overrides: settings by dotted path.
        command: of every job; None for that of the file.
        before: number of jobs so far.
    """
    try:
        plain = read_plain_job(source)
        file_command = _check_file_command(plain.pop("command", "train"), source)
        matrix = None
        if "matrix" in plain:
            matrix = check_matrix(plain.pop("matrix"), source, overrides)
        count = 1 if matrix is None else count_jobs(matrix)
        if before + count > MAX_JOBS:
            problem = f"a batch has at most {MAX_JOBS:,} jobs; these are "
            raise JobError(source, [f"{problem}{before + count:,}. Run them in parts."])
    except JobError as error:
        yield str(error)
        return
    for path, value in overrides.items():
        set_value(plain, path, value)
    for keys in [plain] if matrix is None else expand(plain, matrix, source):
        try:
            job = make_any_job(keys, source)
            yield _plan_job(job, source, command or file_command)
        except JobError as error:
            yield str(error)


def check_command(command: Any) -> Command:
    """Return the command of a job.

    Raises:
        SettingError: a batch cannot run it.
    """
    if command not in COMMANDS:
        raise SettingError("command", command, f"one of {', '.join(COMMANDS)}")
    checked: Command = command
    return checked


def _check_file_command(command: Any, source: Path) -> Command:
    try:
        return check_command(command)
    except SettingError as error:
        raise JobError(source, [str(error)]) from None


def _plan_job(job: Job | SequenceJob, source: Path, command: Command) -> PlannedJob:
    """Plan a job.

    Raises:
        JobError: the command is only for forecasts.
    """
    if isinstance(job, SequenceJob) and command != "train":
        problem = f"command: {command} is only for the task forecast"
        raise JobError(source, [f"{problem}; train takes the task {job.task}"])
    return PlannedJob(
        name=job.name,
        command=command,
        text=job.explicit_yaml(),
        source=source,
        data=job.data.path,
        resources=job.resources,
        device=job.device,
    )


def _find_same_names(jobs: Sequence[PlannedJob]) -> Iterator[str]:
    """Yield a problem for each name that several jobs have."""
    sources: dict[str, list[Path]] = {}
    for job in jobs:
        sources.setdefault(job.name, []).append(job.source)
    for name, places in sources.items():
        if len(places) > 1:
            files = ", ".join(map(str, dict.fromkeys(places)))
            yield (
                f"{files}: {len(places)} jobs have the name {name!r}. Give each a name "
                "of its own: name: in the job file; a CSV file gives its own name."
            )


def _find_missing_data(jobs: Sequence[PlannedJob]) -> Iterator[str]:
    """Yield a problem for each job without its series."""
    exists = cache(Path.exists)
    for job in jobs:
        if not exists(job.data):
            yield f"{job.source}: data.path: there is no file {job.data}"


def _digest_file(path: str) -> str:
    try:
        status = Path(path).stat()
    except OSError:
        return path
    return _digest_content(path, status.st_mtime_ns, status.st_size)


@cache
def _digest_content(path: str, _modified: int, _size: int) -> str:
    """Return the digest of a file; changed files have another time or size."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return path
