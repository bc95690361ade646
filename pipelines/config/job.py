"""Schema of the job file: data, windows, model, training, evaluation, registry.

Unknown keys and wrong values are refused, each with its dotted path.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from forecasting.data.panel import Panel
from forecasting.data.schema import Aggregate, Decimal, Missing
from forecasting.data.windows import WindowSpec
from forecasting.errors import SettingError
from forecasting.evaluation.backtest import EvaluationConfig
from forecasting.forecaster.presets import Preset
from forecasting.io import read_csv
from forecasting.models.config import RecurrentConfig
from forecasting.training import TrainingConfig
from pipelines.config.registry import RegistryConfig
from pipelines.config.resources import Resources
from pipelines.errors import JobError

MAX_JOB_BYTES = 1_000_000
Columns = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
]
WINDOWS = frozenset({"windows.seq_len", "windows.horizon"})
RUN_KEYS = ("matrix", "command")  # of a job file, for `recast run` only
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
STRICT = ConfigDict(extra="forbid", frozen=True)


def check_name(name: str) -> str:
    """Check the name of a model and return it.

    Raises:
        SettingError: the name does not fit into the registry or a URL.
    """
    if not re.fullmatch(r"\w[\w. -]{0,99}", name):
        expected = (
            "up to 100 letters, digits, spaces and . _ -, a letter or digit first"
        )
        raise SettingError("name", name, expected)
    return name


class DataConfig(BaseModel):
    """Path of the series and the roles of its columns; None is inferred and reported.

    Each field is described in docs/settings.md.
    """

    model_config = STRICT

    path: Path
    time: Columns | None = None
    target: str | None = None
    series_id: Columns | None = None
    past_covariates: Columns = ()
    known_covariates: Columns = ()
    static_covariates: Columns = ()
    text: Columns = ()
    freq: str | None = None
    zone: str | None = None
    time_format: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    missing: Missing = "error"
    resample: str | None = None
    aggregate: Aggregate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointConfig:
    """Files from which an interrupted training goes on.

    Attributes:
        every_seconds: of training at most between two files; a shorter job writes
            none. 0 writes one after each epoch.
        upload: whether to copy them to the artifacts of the run, for a machine that
            may go.
    """

    every_seconds: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    upload: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrainingConfig(TrainingConfig):
    """Settings of a training, and of its checkpoints, on which no result depends."""

    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)


def plain_training(training: TrainingConfig) -> TrainingConfig:
    """Return the settings of a training without those of its checkpoints."""
    names = [key.name for key in fields(TrainingConfig)]
    return TrainingConfig(**{name: getattr(training, name) for name in names})


class Job(BaseModel):
    """One training job with every setting resolved."""

    model_config = STRICT

    name: Annotated[str, AfterValidator(check_name)]
    task: Literal["forecast"] = "forecast"
    preset: Preset = "guarded"
    for_each: Literal["series"] | None = None
    data: DataConfig
    windows: WindowSpec = Field(default_factory=WindowSpec)
    model: RecurrentConfig = Field(default_factory=RecurrentConfig)
    training: JobTrainingConfig = Field(default_factory=JobTrainingConfig)
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    registry: RegistryConfig = Field(default_factory=RegistryConfig)
    resources: Resources = Field(default_factory=Resources)
    _explicit: frozenset[str] = PrivateAttr(frozenset())
    _open_windows: frozenset[str] = PrivateAttr(frozenset())
    _panel: Panel | None = PrivateAttr(None)

    @property
    def explicit(self) -> frozenset[str]:
        """Dotted paths of the settings in the file or an option, without defaults."""
        return self._explicit

    @property
    def open_windows(self) -> frozenset[str]:
        """Lengths to choose by the frequency: ``windows.seq_len, windows.horizon``."""
        return self._open_windows

    def close_windows(self) -> "Job":
        """Return the job with its lengths of windows as they are."""
        closed = self.model_copy()
        closed._open_windows = frozenset()
        return closed

    @property
    def device(self) -> str:
        """Device of the training: ``auto``, ``cpu``, ``cuda`` or ``mps``."""
        return self.training.device

    @property
    def metric(self) -> str:
        """Metric of the ranking."""
        return self.evaluation.metric

    def check_for_each(self, command: str) -> None:
        """Check that the job trains one model of all series.

        Raises:
            SettingError: it trains a model a series, which ``command`` does not.
        """
        if self.for_each is not None:
            expected = f"null (or --for-each left out) with {command}"
            raise SettingError("for_each", self.for_each, expected)

    def get(self, path: str) -> Any:
        """Return a setting by its dotted path."""
        section, key = path.split(".")
        return getattr(getattr(self, section), key)

    def replace(self, settings: Mapping[str, Any]) -> "Job":
        """Return the job with other settings, by dotted path (``windows.seq_len``).

        Raises:
            SettingError: a setting is out of range, or two exclude each other.
        """
        sections: dict[str, dict[str, Any]] = {}
        for path, value in settings.items():
            section, key = path.split(".")
            sections.setdefault(section, {})[key] = value
        changed = {
            name: replace(getattr(self, name), **values)
            for name, values in sections.items()
        }
        return self.model_copy(update=changed)

    def read_panel(self) -> Panel:
        """Read the job's series, unless they have been read before.

        Raises:
            DataError: the series cannot be used; the message names place and reason.
        """
        if self._panel is None:
            self._panel = read_csv(**dict(self.data))
        return self._panel

    def to_yaml(self) -> str:
        """Return the job as a job file, with an absolute path to the data."""
        plain = self.model_dump(mode="json")
        plain["data"]["path"] = os.path.abspath(self.data.path)
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)

    def explicit_yaml(self) -> str:
        """Return the job as a job file with its explicit settings only.

        `parse_job` returns the same job of it, its open settings open as before. The
        resources are left out: a training does not depend on them.
        """
        plain = self.model_dump(mode="json", exclude={"resources"})
        plain["data"]["path"] = os.path.abspath(self.data.path)
        chosen: dict[str, Any] = {}
        for path in sorted(self.explicit):
            value: Any = plain
            for key in path.split("."):
                value = None if value is None else value.get(key)
            if path.partition(".")[0] in plain:
                set_value(chosen, path, value)
        return yaml.dump(chosen, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)


def read_job(
    source: Path,
    overrides: Mapping[str, Any] | None = None,
    panel: Panel | None = None,
) -> Job:
    """Read a job file, or make a job for a CSV.

    A job for a CSV leaves the windows open that ``overrides`` does not set, except
    with the preset ``classic``.

    Args:
        source: a ``.yaml`` job file, or a CSV with the series.
        overrides: settings by dotted path (``windows.horizon``); they replace those of
            the file.
        panel: the series, if they have been read by the settings of ``overrides``.

    Raises:
        JobError: the file is no job, or a key or value is wrong; the message names its
            path.
    """
    plain = read_plain_job(source)
    for path, value in (overrides or {}).items():
        set_value(plain, path, value)
    return make_job(plain, source, panel)


def parse_job(text: str, source: Path) -> Job:
    """Return the job of a text from `Job.explicit_yaml`.

    Args:
        text: job file in YAML, its path to the data absolute.
        source: path of the file that the job was read from, a job file or a CSV.

    Raises:
        JobError: a key or value is wrong.
    """
    return make_job(yaml.safe_load(text), source)


def is_job_file(source: Path) -> bool:
    """Return whether a file is a job file, by its name."""
    return source.suffix.lower() in (".yaml", ".yml")


def read_plain_job(source: Path) -> dict[str, Any]:
    """Read the keys of a job file, or make those of a job for a CSV.

    A relative path to the data is resolved.

    Raises:
        JobError: the file cannot be read, or is no YAML.
    """
    if not is_job_file(source):
        stem = source.name.removesuffix(".gz").removesuffix(".csv")
        return {"name": make_name(stem), "data": {"path": str(source)}}
    plain = _read_yaml(source)
    data = plain.get("data")
    if isinstance(data, dict) and isinstance(data.get("path"), str):
        data["path"] = str(source.parent / data["path"])
    return plain


def make_job(plain: dict[str, Any], source: Path, panel: Panel | None = None) -> Job:
    """Check the keys of a job and return it.

    Args:
        plain: keys and values of a job file.
        source: path of the file that they are from, a job file or a CSV.
        panel: the series, if they have been read.

    Raises:
        JobError: a key or value is wrong; the message names its path.
    """
    problems = [describe_run_key(key, source) for key in RUN_KEYS if key in plain]
    task = plain.get("task", "forecast")
    if task != "forecast":
        problems.append(f"task: expected forecast here (found {task!r})")
    if problems:
        raise JobError(source, problems)
    try:
        job = Job.model_validate(plain)
    except ValidationError as error:
        problems = [describe_error(detail) for detail in error.errors()]
        raise JobError(source, problems) from None
    job._explicit = frozenset(leaf_paths(plain))
    job._panel = panel
    if not is_job_file(source) and job.preset != "classic":
        job._open_windows = WINDOWS - job.explicit
    return job


def describe_run_key(key: str, source: Path) -> str:
    """Describe a key of a job file that no other command reads."""
    return f"{key}: only `recast run` reads this key: recast run {source}"


def _read_yaml(source: Path) -> dict[str, Any]:
    try:
        if source.stat().st_size > MAX_JOB_BYTES:
            raise JobError(source, [f"a job file has at most {MAX_JOB_BYTES} bytes"])
        plain = yaml.safe_load(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise JobError(source, [f"cannot be read ({error.strerror})"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise JobError(
            source, [f"is no YAML ({' '.join(str(error).split())})"]
        ) from None
    if not isinstance(plain, dict):
        raise JobError(source, ["a job file holds keys: name, data, windows, ..."])
    return plain


def make_name(text: str) -> str:
    """Return a valid name of a model, with a dash for each other character."""
    name = "".join(c if c.isalnum() or c in "._- " else "-" for c in text)
    return name.strip("._- ") or "model"


def set_value(plain: dict[str, Any], path: str, value: Any) -> None:
    """Set a value in the keys of a job, by its dotted path."""
    *sections, last = path.split(".")
    for key in sections:
        section = plain.setdefault(key, {})
        if not isinstance(section, dict):
            return  # validation reports the value in place of the section
        plain = section
    plain[last] = value


def leaf_paths(plain: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of the values in the keys of a job."""
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from leaf_paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def describe_error(detail: ErrorDetails) -> str:
    """Return a validation error of a job as one sentence: path, problem, advice."""
    path = [str(part) for part in detail["loc"] if part != "function-after"]
    place = ".".join(path)
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        valid = _keys_at(path[:-1])
        near = difflib.get_close_matches(path[-1], valid, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        return f"{place}: unknown key{hint} The keys here are {', '.join(valid)}."
    if detail["type"] in ("missing", "missing_argument"):
        return f"{place} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    value = detail["input"]
    shown = "" if isinstance(value, dict) else f" (found {value!r})"
    return f"{place}: {message}{shown}"


def _keys_at(path: list[str]) -> list[str]:
    schema: Any = Job
    for key in path:
        schema = section_types(schema).get(key)
    return list(section_types(schema))


def section_types(section: Any) -> dict[str, Any]:
    """Return the types of a section's keys; none for a single value."""
    if is_dataclass(section):
        return {key.name: key.type for key in fields(section)}
    model_fields = getattr(section, "model_fields", {})
    return {name: info.annotation for name, info in model_fields.items()}
