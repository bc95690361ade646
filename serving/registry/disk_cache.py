"""Disk cache of model versions, for starts and loads while the registry is away.

    FOLDER/<registry>/registry.json           names, aliases and versions, as last read
    FOLDER/<registry>/<name>-<version>/       entry.json and the version's files, model/

Files and folders are renamed into place, so that they appear complete or not at all and
several services may share a folder. A changed file is detected by its digest. A failed
write is logged and fails no request. Every call here blocks.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from serving.registry.snapshot import ModelSnapshot

log = logging.getLogger(__name__)
STATE_FILE, ENTRY_FILE = "registry.json", "entry.json"
MODEL_FOLDER, DRAFT_PREFIX = "model", ".draft-"
PRIVATE = 0o700  # mode of folders that no other user may read
STALE_SECONDS = 3600.0  # age after which a draft belongs to a process that died
State = TypeAdapter(dict[str, ModelSnapshot])


class Entry(BaseModel):
    """Creation time, tags and file digests of a version on disk."""

    model_config = ConfigDict(populate_by_name=True)

    creation_time: int = Field(alias="made")
    tags: dict[str, str]
    files: dict[str, str]


class DiskCache:
    """A bounded folder with the versions and the last state of one registry.

    Args:
        folder: created by the first write.
        registry: its URI; each registry has a subfolder.
        max_bytes: on disk; the least recently loaded version is removed first, versions
            with an alias last.

    Attributes:
        incomplete: something was deleted from outside or could not be written.
    """

    def __init__(self, folder: Path, registry: str, max_bytes: int) -> None:
        self._folder = folder / _hash_prefix(registry)
        self._max_bytes = max_bytes
        self._written_state = b""
        self._aliased: frozenset[str] = frozenset()
        self._writable, self._log_lock = True, Lock()
        self.incomplete = False

    @property
    def has_state(self) -> bool:
        """Whether the last state of the registry was written to disk."""
        return bool(self._written_state)

    def write_state(self, registered: Mapping[str, ModelSnapshot]) -> None:
        """Write the state of the registry, if it is new or missing on disk."""
        self._aliased = _aliased_folders(registered)
        text = State.dump_json(dict(registered), by_alias=True)
        exists = (self._folder / STATE_FILE).is_file()
        if exists and text == self._written_state:
            return
        if self.has_state and not exists:
            self.incomplete = True
        try:
            with self._draft() as draft:
                (draft / STATE_FILE).write_bytes(text)
                os.replace(draft / STATE_FILE, self._folder / STATE_FILE)
        except OSError as error:
            self._written_state = b""
            self._log_write_error(error)
        else:
            self._written_state = text

    def read_state(self) -> dict[str, ModelSnapshot] | None:
        """Return the last state of the registry; None if missing or damaged."""
        try:
            state = State.validate_json((self._folder / STATE_FILE).read_bytes())
        except (OSError, ValidationError):
            return None
        self._aliased = _aliased_folders(state)
        return state

    def find(
        self, name: str, version: str, creation_time: int
    ) -> tuple[Path, dict[str, str]] | None:
        """Return the folder and the tags of an undamaged version, or None.

        A damaged version, or another version with the same number, is removed.
        """
        folder = self._version_folder(name, version)
        try:
            entry = Entry.model_validate_json((folder / ENTRY_FILE).read_bytes())
            current = entry.creation_time == creation_time
            if current and _digests(folder / MODEL_FOLDER) == entry.files:
                os.utime(folder)
                return folder / MODEL_FOLDER, entry.tags
            reason = "it is damaged" if current else "it is out of date"
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            reason = "it is damaged"
        fields = {"model": name, "version": version, "reason": reason}
        log.warning("version left the cache", extra={"fields": fields})
        _remove(folder)
        return None

    def store(
        self,
        name: str,
        version: str,
        creation_time: int,
        files: Path,
        tags: Mapping[str, str],
    ) -> None:
        """Copy the files of a version that passed its trial forecast."""
        try:
            with self._draft() as draft:
                folder = draft / "version"
                folder.mkdir(PRIVATE)
                _copy(files, folder / MODEL_FOLDER)
                entry = Entry(
                    creation_time=creation_time,
                    tags=dict(tags),
                    files=_digests(folder / MODEL_FOLDER),
                )
                text = entry.model_dump_json(by_alias=True)
                (folder / ENTRY_FILE).write_text(text, encoding="utf-8")
                self._publish(folder, self._version_folder(name, version))
        except OSError as error:
            self._log_write_error(error)
        else:
            self._writable = True

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """Make a folder for files that are not complete yet, and remove it."""
        self._folder.mkdir(PRIVATE, parents=True, exist_ok=True)
        with TemporaryDirectory(
            prefix=DRAFT_PREFIX, dir=self._folder, ignore_cleanup_errors=True
        ) as path:
            yield Path(path)

    def _publish(self, draft: Path, folder: Path) -> None:
        """Make room for a draft and rename it to its final folder."""
        size = _num_bytes(draft)
        if size > self._max_bytes:
            fields = {"bytes": size, "most": self._max_bytes}
            log.warning("version is too large for the cache", extra={"fields": fields})
            return
        self._make_room(self._max_bytes - size)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise

    def _make_room(self, max_bytes: int) -> None:
        """Remove versions until the rest takes at most `max_bytes`."""
        entries = sorted(
            self._entries(), key=lambda entry: (entry[0] in self._aliased, entry[1])
        )
        total = sum(size for _, _, size in entries)
        for name, _, size in entries:
            if total <= max_bytes:
                return
            _remove(self._folder / name)
            total -= size

    def _entries(self) -> Iterator[tuple[str, float, int]]:
        """Yield folder, time of last use and bytes by version; remove stale drafts."""
        for path in self._folder.iterdir():
            try:
                used = path.stat().st_mtime
            except FileNotFoundError:
                continue  # another process removed it
            if not path.name.startswith(DRAFT_PREFIX):
                if path.is_dir():
                    yield path.name, used, _num_bytes(path)
            elif time.time() - used > STALE_SECONDS:
                _remove(path)

    def _version_folder(self, name: str, version: str) -> Path:
        return self._folder / _folder_name(name, version)

    def _log_write_error(self, error: OSError) -> None:
        """Log a failed write, once until a version is stored again."""
        self.incomplete = True
        with self._log_lock:  # versions are stored by several threads
            first, self._writable = self._writable, False
        if first:
            fields = {"reason": error.strerror or str(error)}
            log.warning("cache cannot be written", extra={"fields": fields})


def _folder_name(name: str, version: str) -> str:
    return f"{_hash_prefix(name)}-{version}"


def _aliased_folders(registered: Mapping[str, ModelSnapshot]) -> frozenset[str]:
    return frozenset(
        _folder_name(name, version)
        for name, entry in registered.items()
        for version in entry.aliases.values()
    )


def _hash_prefix(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _remove(path: Path) -> None:
    """Remove a folder, or a file or link in its place, if possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in _files(folder)
    }


def _copy(folder: Path, copy: Path) -> None:
    for path in _files(folder):
        target = copy / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _num_bytes(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # another process removed it
                total += os.lstat(os.path.join(parent, name)).st_size
    return total
