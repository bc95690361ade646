"""Origin of a model: file, notes of its reading, settings, versions, command."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

MAX_NOTES = 100
MAX_TEXT = 20_000  # characters of a note, or of the settings


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """Texts on the training of a model, for its report.

    Attributes:
        source: name of the file of the series.
        digest: of the series, as the training read them.
        start: model that it was fine-tuned from; empty for none.
        notes: guesses, repairs and choices of the reading and of the preset.
        settings: the job file, in YAML.
        versions: of the packages, by name.
        command: shell command that repeats the training.
        influence: share of the largest inputs in the change of a forecast, 0 to 1.
    """

    source: str = ""
    digest: str = ""
    start: str = ""
    notes: tuple[str, ...] = ()
    settings: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    influence: Mapping[str, float] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """Return the facts as JSON-serialisable values, long texts cut."""
        plain = asdict(self)
        return plain | {
            "notes": [note[:MAX_TEXT] for note in self.notes[:MAX_NOTES]],
            "settings": self.settings[:MAX_TEXT],
            "command": self.command[:MAX_TEXT],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the facts of the values of `to_plain`; unknown ones are ignored.

        Raises:
            TypeError, AttributeError, ValueError: a value has a wrong type.
        """
        values = {f.name: plain[f.name] for f in fields(cls) if f.name in plain}
        versions = {str(k): str(v) for k, v in values.pop("versions", {}).items()}
        shares = {str(k): float(v) for k, v in values.pop("influence", {}).items()}
        notes = tuple(str(note) for note in values.pop("notes", ()))
        texts = {name: str(text) for name, text in values.items()}
        return cls(**texts, notes=notes, versions=versions, influence=shares)
