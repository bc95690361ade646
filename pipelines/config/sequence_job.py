"""Schema of the jobs of discrete series: ``task: classify``, ``label`` or ``next``.

The keys of ``model`` and ``training`` are the settings of the estimators, with their
defaults. Keys of another task are refused by name.
"""

import inspect
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
)

from forecasting import (
    GRUClassifier,
    LSTMClassifier,
    RNNClassifier,
    SequenceColumns,
    SequenceLabeler,
    SymbolModel,
)
from forecasting.data.panel import Panel
from forecasting.data.schema import Decimal
from forecasting.sequences.reading.columns import Task
from forecasting.sequences.storage import SequenceModel
from forecasting.training import TrainingConfig
from pipelines.config.job import (
    RUN_KEYS,
    STRICT,
    Columns,
    Job,
    check_name,
    describe_error,
    describe_run_key,
    leaf_paths,
    make_job,
    make_name,
    read_plain_job,
    section_types,
    set_value,
)
from pipelines.config.keys import describe_unknown, list_keys
from pipelines.config.registry import RegistryConfig
from pipelines.config.resources import Resources
from pipelines.errors import JobError

TASKS: tuple[Task, ...] = get_args(Task)
CLASSIFIERS = {"rnn": RNNClassifier, "lstm": LSTMClassifier, "gru": GRUClassifier}
ESTIMATORS: dict[Task, type[Any]] = {
    "classify": GRUClassifier,
    "label": SequenceLabeler,
    "next": SymbolModel,
}
OF_TRAINING = {f.name for f in fields(TrainingConfig)} | {"class_weight", "window"}
KINDS: dict[str, Any] = {"unknown": str | None}  # of a file, where symbols are text
Seed = Annotated[int, Field(ge=0, lt=2**32)]
SECTIONS = ("model", "training")
ACCURATE: dict[Task, dict[str, Any]] = {  # settings of the preset
    "classify": {"model.features": "convolutions"},
    "label": {"model.members": 5},
    "next": {"model.hidden_size": 256, "training.epochs": 40},
}
RANKING: dict[Task, str] = {
    "classify": "accuracy",
    "label": "accuracy",
    "next": "cross_entropy",
}
DATA_KEYS: dict[Task, tuple[str, ...]] = {
    "classify": ("channels", "label"),
    "label": ("channels", "label"),
    "next": ("symbol",),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of an estimator as a key of a job file.

    Attributes:
        name: of the argument of the estimator.
        kind: type.
        default: value.
    """

    name: str
    kind: Any
    default: Any


@cache
def settings_of_task(task: Task) -> dict[str, Setting]:
    """Return the settings of the estimator of a task, by dotted path."""
    estimator = ESTIMATORS[task]
    hints = get_type_hints(estimator.__init__)
    settings: dict[str, Setting] = {}
    for name, parameter in inspect.signature(estimator).parameters.items():
        kind = KINDS.get(name, hints[name])
        section = "training" if name in OF_TRAINING else "model"
        settings[f"{section}.{name}"] = Setting(name, kind, parameter.default)
    del settings["model.random_state"]
    settings["training.seed"] = Setting("random_state", Seed, 0)
    if task == "classify":
        cells = Literal["rnn", "lstm", "gru"]
        settings = {"model.cell": Setting("cell", cells, "gru"), **settings}
    return settings


class SequenceData(BaseModel):
    """Files and columns of discrete series; empty columns are inferred and reported.

    Each field is described in docs/settings.md.
    """

    model_config = STRICT

    path: Path
    test: Path | None = None
    series_id: Columns | None = None
    time: Columns | None = None
    channels: Columns = ()
    label: str = ""
    symbol: str = ""
    time_format: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None

    def columns(self) -> SequenceColumns:
        """Return the columns that the user named."""
        return SequenceColumns(
            series_id=self.series_id or (),
            time=self.time or (),
            channels=self.channels,
            label=self.label,
            symbol=self.symbol,
            time_format=self.time_format,
            decimal=self.decimal,
            encoding=self.encoding,
        )


class SequenceJob(BaseModel):
    """One training job of discrete series with every setting resolved."""

    model_config = STRICT

    name: Annotated[str, AfterValidator(check_name)]
    task: Task
    preset: Literal["classic", "accurate"] = "classic"
    data: SequenceData
    model: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    registry: RegistryConfig = Field(default_factory=RegistryConfig)
    resources: Resources = Field(default_factory=Resources)

    @property
    def device(self) -> str:
        """Device of the training: ``auto``, ``cpu``, ``cuda`` or ``mps``."""
        return str(self.training["device"])

    @property
    def metric(self) -> str:
        """Metric of the ranking, such as ``accuracy``."""
        return RANKING[self.task]

    @property
    def cell(self) -> str:
        """Kind of the network."""
        return str(self.model["cell"])

    def make_estimator(self) -> SequenceModel:
        """Return an untrained estimator with the settings of the job."""
        settings = {
            setting.name: getattr(self, path.partition(".")[0])[path.partition(".")[2]]
            for path, setting in settings_of_task(self.task).items()
        }
        if self.task == "classify":
            return CLASSIFIERS[settings.pop("cell")](**settings)
        estimator: SequenceModel = ESTIMATORS[self.task](**settings)
        return estimator

    def explicit_yaml(self) -> str:
        """Return the job as `to_yaml`: each of its settings is resolved."""
        return self.to_yaml()

    def to_yaml(self) -> str:
        """Return the job as a job file, with absolute paths to the data."""
        plain = self.model_dump(mode="json")
        data = {key: value for key, value in plain["data"].items() if value}
        paths = {
            key: os.path.abspath(data[key]) for key in ("path", "test") if key in data
        }
        plain["data"] = data | paths
        for key in ("series_id", "time"):
            if getattr(self.data, key) == ():  # one series, rows in order
                plain["data"][key] = []
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def read_any_job(
    source: Path,
    overrides: Mapping[str, Any] | None = None,
    panel: Panel | None = None,
) -> Job | SequenceJob:
    """Read a job file, or make a job for a file with series, of any task.

    Args:
        source: a ``.yaml`` job file, or a file with the series.
        overrides: settings by dotted path; they replace those of the file.
        panel: the series of a forecast, if they have been read.

    Raises:
        JobError: the file is no job, or a key or value is wrong, or of another task;
            the message names its path.
    """
    plain = read_plain_job(source)
    if source.suffix.lower() in (".ts", ".tsv", ".txt"):
        plain["name"] = make_name(source.stem)
    for path, value in (overrides or {}).items():
        set_value(plain, path, value)
    return make_any_job(plain, source, panel)


def make_any_job(
    plain: dict[str, Any], source: Path, panel: Panel | None = None
) -> Job | SequenceJob:
    """Check the keys of a job of any task and return it.

    Args:
        plain: keys and values of a job file.
        source: path of the file that they are from, a job file or a file with series.
        panel: the series of a forecast, if they have been read.

    Raises:
        JobError: a key or value is wrong, or of another task; the message names it.
    """
    task = plain.get("task", "forecast")
    if task not in ("forecast", *TASKS):
        expected = "one of forecast, " + ", ".join(TASKS)
        raise JobError(source, [f"task must be {expected} (found {task!r})"])
    _refuse_other_tasks(plain, source, task)
    if task == "forecast":
        return make_job(plain, source, panel)
    return _make_sequence_job(plain, source, task)


def parse_any_job(text: str, source: Path) -> Job | SequenceJob:
    """Return the job of a text from `Job.explicit_yaml` or `SequenceJob.to_yaml`.

    Args:
        text: job file in YAML, its paths to the data absolute.
        source: path of the file that the job was read from.

    Raises:
        JobError: a key or value is wrong.
    """
    return make_any_job(yaml.safe_load(text), source)


def task_keys(task: str) -> list[str]:
    """Return the dotted paths of all keys of a job of a task."""
    if task == "forecast":
        return list_keys()
    assert task in ESTIMATORS
    others = {key for keys in DATA_KEYS.values() for key in keys}
    data = [
        n for n in SequenceData.model_fields if n not in others - {*DATA_KEYS[task]}
    ]
    plain = [n for n in SequenceJob.model_fields if n not in (*SECTIONS, "data")]
    return [
        *(path for name in plain for path in _paths(name)),
        *(f"data.{name}" for name in data),
        *settings_of_task(task),
    ]


def all_keys() -> list[str]:
    """Return the dotted paths of all keys of a job of any task."""
    keys = (key for task in ("forecast", *TASKS) for key in task_keys(task))
    return list(dict.fromkeys(keys))


def _paths(name: str) -> list[str]:
    inner = section_types(SequenceJob.model_fields[name].annotation)
    return [f"{name}.{key}" for key in inner] or [name]


def _refuse_other_tasks(plain: dict[str, Any], source: Path, task: str) -> None:
    """Refuse keys that only other tasks have.

    Raises:
        JobError: there is one; unknown keys of discrete series are named too.
    """
    valid = task_keys(task)
    problems = [describe_run_key(key, source) for key in RUN_KEYS if key in plain]
    for path in leaf_paths(plain):
        if _is_key(path, valid):
            continue
        tasks = [t for t in ("forecast", *TASKS) if _is_key(path, task_keys(t))]
        if tasks:
            noun = "task" if len(tasks) == 1 else "tasks"
            problems.append(
                f"{path}: only for the {noun} {' and '.join(tasks)}; leave it out "
                f"with task {task}"
            )
        elif task != "forecast" and path.partition(".")[0] not in RUN_KEYS:
            problems.append(describe_unknown(path, valid))
    if problems:
        raise JobError(source, problems)


def _is_key(path: str, keys: Iterable[str]) -> bool:
    """Return whether a path is a key, a section or a part of a key's value."""
    return any(
        key == path or key.startswith(f"{path}.") or path.startswith(f"{key}.")
        for key in keys
    )


def _make_sequence_job(plain: dict[str, Any], source: Path, task: Task) -> SequenceJob:
    """Check the keys of a job of discrete series and return it.

    Raises:
        JobError: a value is wrong; the message names its path.
    """
    plain = {key: value for key, value in plain.items() if value is not None}
    if isinstance(plain.get("data"), dict) and isinstance(
        plain["data"].get("test"), str
    ):
        plain["data"] = dict(plain["data"])
        if source.suffix.lower() in (".yaml", ".yml"):
            plain["data"]["test"] = str(source.parent / plain["data"]["test"])
    preset = ACCURATE[task] if plain.get("preset") == "accurate" else {}
    sections, problems = _read_settings(plain, task, preset)
    try:
        job = SequenceJob.model_validate(plain | sections)
    except ValidationError as error:
        problems += [describe_error(detail) for detail in error.errors()]
    if problems:
        raise JobError(source, problems)
    return job


def _read_settings(
    plain: dict[str, Any], task: Task, preset: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the sections of the estimator's settings, and wrong values in words."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    problems = []
    for name in SECTIONS:
        if not isinstance(plain.get(name, {}), dict):
            problems.append(f"{name}: a section holds keys (found {plain[name]!r})")
            return sections, problems
    for path, setting in settings_of_task(task).items():
        section, _, key = path.partition(".")
        value = plain.get(section, {}).get(key, preset.get(path, setting.default))
        try:
            sections[section][key] = TypeAdapter(setting.kind).validate_python(value)
        except ValidationError as error:
            detail = error.errors()[0]
            problems.append(f"{path}: {detail['msg']} (found {value!r})")
    return sections, problems
