"""Lines of a training's output without paths, secrets and tracebacks."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from serving.masking import mask

MAX_LENGTH = 500  # characters of a line
MAX_COUNT = 5000  # lines of a training
TRACEBACK = "Traceback (most recent call last)"
INTERNAL = "Error: the training failed. The log of the service says why."
MANY = "Further lines are left out."
PATH = re.compile(r"(?<![\w:/.~-])~?/(?:[^\s/'\",;:()]+/)*([^\s/'\",;:()]*)")
STORE = re.compile(r"\b(?:sqlite|file|postgresql|mysql|mssql)[\w+]*:/\S*")
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SECRET = re.compile("PASSWORD|TOKEN|SECRET|KEY|CREDENTIAL", re.IGNORECASE)
MIN_SECRET = 6  # characters


class Cleaner:
    """Removes from texts all that concerns the service's machine.

    Args:
        environment: of the process, whose secrets are masked.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        secrets = [
            value
            for name, value in environment.items()
            if SECRET.search(name) and len(value) >= MIN_SECRET
        ]
        self._secrets = sorted(secrets, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return a text without secrets and paths, but for the names of files."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = STORE.sub("the store", mask(CONTROL.sub("", text)))
        return PATH.sub(lambda match: match[1] or "a folder", text)

    def clean_all(self, plain: Any) -> Any:
        """Return plain values with clean texts."""
        if isinstance(plain, dict):
            return {self.clean(k): self.clean_all(v) for k, v in plain.items()}
        if isinstance(plain, list):
            return [self.clean_all(value) for value in plain]
        return self.clean(plain) if isinstance(plain, str) else plain

    def lines(self, output: Iterable[str], log: list[str]) -> Iterator[str]:
        """Yield the lines of an output up to a traceback, which goes to a log.

        Args:
            output: lines as they were written.
            log: takes the lines of a traceback.
        """
        count = 0
        for line in output:
            text = line.rstrip()
            if log or text.startswith(TRACEBACK):
                if not log:
                    yield INTERNAL
                log.append(mask(text))
            elif text and count < MAX_COUNT:
                count += 1
                yield self.clean(text)[:MAX_LENGTH]
                if count == MAX_COUNT:
                    yield MANY


def child_environment(uri: str) -> dict[str, str]:
    """Return the environment of a training: the service's, without its settings.

    Args:
        uri: of the store.
    """
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SERVING_", "PROMETHEUS_", "RECAST_"))
    }
    return plain | {"MLFLOW_TRACKING_URI": uri, "COLUMNS": "200", "NO_COLOR": "1"}
