"""The models on this machine's disk: what answers while the registry is away.

    FOLDER/<registry>/registry.json           names, aliases and versions, as last read
    FOLDER/<registry>/<name>-<version>/       entry.json and the version's files, model/

Everything appears whole or not at all, by renaming, so that several services may share
a folder. A file that is not what was written is noticed by its digest. What cannot be
written is not kept: no request fails for it. Every call here blocks.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, TypeAdapter, ValidationError

from serving.registry.snapshot import ModelSnapshot

log = logging.getLogger(__name__)


STATE, ENTRY, FILES, DRAFT = "registry.json", "entry.json", "model", ".draft-"


STALE = 3600.0  # seconds after which a draft belongs to a process that died


State = TypeAdapter(dict[str, ModelSnapshot])


class Entry(BaseModel):
    """What is known of a version on disk: its tags, and its files by digest."""

    made: int
    tags: dict[str, str]
    files: dict[str, str]


class DiskCache:
    """Keeps the versions of one registry, and what the registry said last.

    Args:
        folder: made when there is something to keep.
        registry: its URI; each has a folder of its own.
        most: bytes on disk; what was least recently loaded leaves first, and versions
            that an alias points to leave last.

    Attributes:
        lost: something that was kept is gone, or something could not be kept.
    """

    def __init__(self, folder: Path, registry: str, most: int) -> None:
        self._folder = folder / _short(registry)
        self._most = most
        self._remembered = b""
        self._aliased: frozenset[str] = frozenset()
        self._writable, self._complaining = True, Lock()
        self.lost = False

    @property
    def remembers(self) -> bool:
        """Whether what the registry says is on the disk, as of the last look."""
        return bool(self._remembered)

    def remember(self, registered: Mapping[str, ModelSnapshot]) -> None:
        """Keep what the registry says."""
        self._aliased = _aliased(registered)
        text = State.dump_json(dict(registered))
        there = (self._folder / STATE).is_file()
        if there and text == self._remembered:
            return
        if self.remembers and not there:
            self.lost = True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            number, draft = tempfile.mkstemp(prefix=DRAFT, dir=self._folder)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(text)
                os.replace(draft, self._folder / STATE)
            finally:
                Path(draft).unlink(missing_ok=True)
        except OSError as error:
            self._remembered = b""
            self._complain(error)
        else:
            self._remembered = text

    def recall(self) -> dict[str, ModelSnapshot] | None:
        """Return what the registry said last; None when that is not known."""
        try:
            found = State.validate_json((self._folder / STATE).read_bytes())
        except (OSError, ValidationError):
            return None
        self._aliased = _aliased(found)
        return found

    def find(
        self, name: str, version: str, made: int
    ) -> tuple[Path, dict[str, str]] | None:
        """Return the folder and the tags of a version that is whole, or None.

        One that is not whole, or is of another version with that number, is removed.
        """
        place = self._place(name, version)
        try:
            entry = Entry.model_validate_json((place / ENTRY).read_bytes())
            if entry.made == made and _digests(place / FILES) == entry.files:
                os.utime(place)
                return place / FILES, entry.tags
            reason = "it is damaged" if entry.made == made else "it is out of date"
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            reason = "it is damaged"
        fields = {"model": name, "version": version, "reason": reason}
        log.warning("version left the cache", extra={"fields": fields})
        self.drop(name, version)
        return None

    def keep(
        self, name: str, version: str, made: int, files: Path, tags: Mapping[str, str]
    ) -> None:
        """Copy the files of a version that works."""
        draft = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=self._folder))
            _copy(files, draft / FILES)
            entry = Entry(made=made, tags=dict(tags), files=_digests(draft / FILES))
            (draft / ENTRY).write_text(entry.model_dump_json(), encoding="utf-8")
            self._put(draft, self._place(name, version))
        except OSError as error:
            self._complain(error)
        else:
            self._writable = True
        finally:
            if draft is not None:
                shutil.rmtree(draft, ignore_errors=True)

    def drop(self, name: str, version: str) -> None:
        """Remove a version, or whatever is in its place."""
        place = self._place(name, version)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            with suppress(OSError):
                place.unlink(missing_ok=True)

    def _put(self, draft: Path, place: Path) -> None:
        """Move a draft to its place, once there is room."""
        size = _size(draft)
        if size > self._most:
            fields = {"bytes": size, "most": self._most}
            log.warning("version is too large for the cache", extra={"fields": fields})
            return
        self._make_room(self._most - size)
        try:
            draft.rename(place)
        except OSError:
            if not place.is_dir():  # else another process was faster
                raise

    def _make_room(self, most: int) -> None:
        """Remove versions until what is left takes at most so many bytes."""
        held = sorted(
            self._entries(), key=lambda one: (one[0] in self._aliased, one[1])
        )
        total = sum(size for _, _, size in held)
        for name, _, size in held:
            if total <= most:
                return
            shutil.rmtree(self._folder / name, ignore_errors=True)
            total -= size

    def _entries(self) -> Iterator[tuple[str, float, int]]:
        """Yield folder, time of last use and bytes of each version; sweep up drafts."""
        for path in self._folder.iterdir():
            try:
                used = path.stat().st_mtime
            except FileNotFoundError:
                continue  # another process removed it
            if not path.name.startswith(DRAFT):
                if path.is_dir():
                    yield path.name, used, _size(path)
            elif time.time() - used > STALE:
                shutil.rmtree(path, ignore_errors=True)

    def _place(self, name: str, version: str) -> Path:
        return self._folder / _folder_name(name, version)

    def _complain(self, error: OSError) -> None:
        """Say that nothing is kept, once until something is."""
        self.lost = True
        with self._complaining:  # versions are kept by several threads
            first, self._writable = self._writable, False
        if first:
            fields = {"reason": error.strerror or str(error)}
            log.warning("cache cannot be written", extra={"fields": fields})


def _folder_name(name: str, version: str) -> str:
    return f"{_short(name)}-{version}"


def _aliased(registered: Mapping[str, ModelSnapshot]) -> frozenset[str]:
    return frozenset(
        _folder_name(name, version)
        for name, entry in registered.items()
        for version in entry.aliases.values()
    )


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _copy(folder: Path, copy: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # another process removed it
                total += os.lstat(os.path.join(parent, name)).st_size
    return total
