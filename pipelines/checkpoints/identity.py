"""Identity of a job: digests of all that its result depends on.

The same command with the same settings, on the same series, by the same code gives the
same bits (on the same kind of machine): its unfinished work can be taken over, and
finished work need not be repeated.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

import forecasting
import pipelines
from forecasting.data.panel import Panel
from forecasting.errors import UnreadableData
from pipelines.config.job import Job
from pipelines.config.sequence_job import SequenceJob

IDENTITY_TAG = "recast.identity"  # of an MLflow run
DIGEST_LENGTH = 16
NUMERIC_PACKAGES = ("torch", "numpy", "numba", "scipy", "pandas")
INDEPENDENT = {  # settings that no result depends on
    "data": {"path"},
    "training": {"checkpoint"},
    "resources": {"cpus", "gpus", "memory"},
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests of a job, its data and its code.

    Attributes:
        command: with the arguments that are no settings, such as ``tune 20``.
        job: digest of the settings.
        data: digest of the series.
        code: digest of the package and of those that compute.
    """

    command: str
    job: str
    data: str
    code: str

    @classmethod
    def of(cls, command: str, job: Job, panel: Panel) -> "Identity":
        """Return the identity of a command on the series of a job."""
        return cls(command, digest_job(job), digest_panel(panel), digest_code())

    @classmethod
    def of_files(cls, command: str, job: SequenceJob) -> "Identity":
        """Return the identity of a command on the files of a job of discrete series.

        Raises:
            UnreadableData: a file is missing.
        """
        exclude = INDEPENDENT | {"data": {"path", "test"}}
        plain = job.model_dump(mode="json", exclude=exclude)
        settings = _digest(json.dumps(plain, sort_keys=True).encode())
        files = [path for path in (job.data.path, job.data.test) if path is not None]
        try:
            data = _digest(*(path.read_bytes() for path in files))
        except OSError as error:
            problem = f"it cannot be read ({error.strerror})"
            raise UnreadableData(error.filename, problem, "Check the path.") from None
        return cls(command, settings, data, digest_code())

    @property
    def digest(self) -> str:
        """Digest of everything."""
        return _digest(self.to_tag().encode())

    def to_dict(self) -> dict[str, str]:
        """Return the parts by name."""
        return asdict(self)

    def to_tags(self) -> dict[str, str]:
        """Return the tag of an MLflow run."""
        return {IDENTITY_TAG: self.to_tag()}

    def to_tag(self) -> str:
        """Return the identity as JSON, the value of `IDENTITY_TAG`."""
        return json.dumps(asdict(self), sort_keys=True)


def digest_job(job: Job) -> str:
    """Return a digest of a job's settings, and of which of them are explicit.

    The path of the data, the times of checkpoints and the resources are left out.
    """
    plain = job.model_dump(mode="json", exclude=INDEPENDENT)
    ignored = {f"{s}.{name}" for s, names in INDEPENDENT.items() for name in names}
    explicit = {
        path
        for path in job.explicit
        if not any(path == name or path.startswith(f"{name}.") for name in ignored)
    }
    settings = [plain, sorted(explicit), sorted(job.open_windows)]
    return _digest(json.dumps(settings, sort_keys=True).encode())


def digest_panel(panel: Panel) -> str:
    """Return a digest of series: ids, values, timestamps and covariates."""
    labels = (panel.series_ids, panel.target, panel.calendar, panel.schema.to_plain())
    parts = [repr(labels).encode()]
    parts += [array.tobytes() for array in (panel.offsets, panel.values)]
    parts.append(panel.timestamps.tobytes())
    for name in sorted(panel.covariates):
        parts += [name.encode(), panel.roles[name].encode()]
        parts.append(_to_bytes(panel.covariates[name]))
        if name in panel.future:
            ahead = panel.future[name]
            parts += [_to_bytes(ahead.values), ahead.offsets.tobytes()]
    return _digest(*parts)


def digest_folder(path: Path) -> str:
    """Return a digest of the files of a folder."""
    parts: list[bytes] = []
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        parts += [str(file.relative_to(path)).encode(), file.read_bytes()]
    return _digest(*parts)


@cache
def digest_code() -> str:
    """Return a digest of the package's sources and of the versions that compute."""
    parts = [f"{name} {version(name)}".encode() for name in NUMERIC_PACKAGES]
    for package in (forecasting, pipelines):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            parts += [str(path.relative_to(root)).encode(), path.read_bytes()]
    return _digest(*parts)


def _to_bytes(column: np.ndarray) -> bytes:
    """Return the content of a column of numbers or text."""
    if column.dtype == object:
        return repr(column.tolist()).encode()
    return column.tobytes()


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:DIGEST_LENGTH]
