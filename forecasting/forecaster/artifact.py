"""A saved model on disk: a folder with JSON and tensors, no executable code.

    config.json         settings and metadata, with a ``format_version``
    model.safetensors   weights, statistics, interval table, last observations

A folder appears complete or not at all: it is written next to its final path and then
renamed.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from forecasting.errors import ArtifactError

FORMAT_VERSION = 1
CONFIG, TENSORS = "config.json", "model.safetensors"
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")  # of half a surrogate pair, in JSON


def write_artifact(
    path: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write a model folder, replacing an older one at ``path`` completely.

    Args:
        path: the folder.
        config: JSON-serialisable settings.
        tensors: by name.

    Raises:
        ArtifactError: the path cannot be written, or holds something else than a model.
    """
    if path.exists() and not (path / CONFIG).is_file():
        raise ArtifactError(path, "something else is there", "Choose another place.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        save_file(dict(tensors), draft / TENSORS)
        text = json.dumps({"format_version": FORMAT_VERSION, **config}, indent=2)
        (draft / CONFIG).write_text(text + "\n", encoding="utf-8")
        (draft / TENSORS).chmod(0o644)
        draft.chmod(0o755)
        _replace_folder(draft, path)
    except (OSError, SafetensorError) as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def locate_artifact(path: Path) -> Path:
    """Return the model folder: ``path``, or the one within an MLflow model."""
    nested = sorted(path.glob(f"data/*/{CONFIG}"))
    return path if (path / CONFIG).is_file() or not nested else nested[0].parent


def read_artifact(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read config and tensors of a model folder, tensors on the CPU.

    Raises:
        ArtifactError: the folder is missing, damaged or of a later format.
    """
    for name in (CONFIG, TENSORS):
        if not (path / name).is_file():
            raise ArtifactError(
                path, f"there is no file {name}", "Give the folder of a saved model."
            )
    try:
        text = (path / CONFIG).read_text(encoding="utf-8")
        config = json.loads(text)
        _check_characters(config, text)
        tensors = load_file(path / TENSORS)
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise damaged_artifact(path, str(error)) from error
    version = config.get("format_version") if isinstance(config, dict) else None
    if not isinstance(version, int) or version < 1:
        raise damaged_artifact(path, f"{CONFIG} has no format_version")
    if version > FORMAT_VERSION:
        raise ArtifactError(
            path,
            f"its format is {version}, this version of Recast reads up to "
            f"{FORMAT_VERSION}",
            "Update Recast.",
        )
    return config, tensors


def damaged_artifact(path: Path, reason: str) -> ArtifactError:
    """Return the error for inconsistent or unreadable model files."""
    return ArtifactError(
        path, f"it is damaged ({reason})", "Train it again, or take another version."
    )


def _check_characters(config: Any, text: str) -> None:
    """Refuse text that cannot be encoded in files, responses or logs.

    Raises:
        UnicodeEncodeError: a lone surrogate.
    """
    if SURROGATE_ESCAPE.search(text):
        json.dumps(config, ensure_ascii=False).encode()


def _replace_folder(draft: Path, path: Path) -> None:
    if not path.exists():
        draft.rename(path)
        return
    trash = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    os.replace(path, trash / path.name)
    draft.rename(path)
    shutil.rmtree(trash)


def _unwritable(path: Path, error: Exception) -> ArtifactError:
    reason = error.strerror if isinstance(error, OSError) else error
    return ArtifactError(
        path, f"it cannot be written ({reason})", "Choose another place."
    )
