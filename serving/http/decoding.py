"""Decoding of request bodies by msgspec; an error names the location of the flaw.

Bodies are decoded once, to structs whose types hold all constraints that no setting or
model changes. Decoding ends at the first flaw, so that a body of a million flaws costs
less than a correct one. Only then is a small body read again, for the wrong value.
"""

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw
from msgspec.inspect import ListType, Metadata, StructType, Type, UnionType, type_info

from serving.errors import Loc, RequestError, shortened

MAX_LOOKUP_BYTES = 2**16  # of a body that is read again for the wrong value
MAX_FOUND_LENGTH = 50  # characters of the wrong value in a message
PATH = re.compile(r"\[(\d+)\]|\.(\w+)")
POSITION = re.compile(r"\(byte (\d+)\)")
NAMED_FIELD = re.compile(
    r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL
)
EXPECTED = re.compile(
    r"Expected `([^`]+)`(?: (of length )?(>=|<=) ([\d.]+))?(?:, got `(\w+)`)?"
)
NO_NUMBERS = (b"NaN", b"Infinity")  # Python writes them, and JSON has them not
TOO_LARGE = b"1e999"  # JSON, and no finite number
KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
FINITE = "a finite number is needed"
Malformed = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
T = TypeVar("T")


class BodyDecoder(Generic[T]):
    """Decodes JSON to a type.

    Args:
        kind: a struct, or any other type that msgspec decodes.
        locate_raw: returns the location of an infinite number in the raw parts of a
            decoded body, or None.
    """

    def __init__(
        self,
        kind: type[T] | Any,
        locate_raw: Callable[[T], Loc | None] = lambda _: None,
    ) -> None:
        self._kind, self._locate_raw = kind, locate_raw
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    def decode(self, body: bytes | Raw, loc: Loc = ("body",)) -> T:
        """Decode a body, or a raw part of one.

        Args:
            body: JSON.
            loc: location of the part in the request.

        Raises:
            RequestError: it is not JSON, or has another shape; names the first flaw.
        """
        try:
            return self._decoder.decode(body)
        except Malformed as error:
            flaw = self._flaw(bytes(body), loc, error)
        raise RequestError([flaw])

    def _flaw(self, body: bytes, loc: Loc, error: Exception) -> tuple[Loc, str]:
        """Return location and message of the flaw that ended the decoding."""
        if isinstance(error, msgspec.ValidationError):
            message, place = _split(error)
            return self._describe(body, message, place, loc)
        if isinstance(error, RecursionError):
            return loc, "lists in lists are too deep"
        if isinstance(error, UnicodeDecodeError):
            return loc, "Invalid JSON: the text is not UTF-8"
        text = str(error).removeprefix("JSON is malformed: ")
        position = POSITION.search(text)
        if position and body.startswith(NO_NUMBERS, int(position[1])):
            return self._locate_infinite(body, loc)
        return loc, f"Invalid JSON: {text}"

    def _locate_infinite(self, body: bytes, loc: Loc) -> tuple[Loc, str]:
        """Return the location of the first NaN or infinity, which JSON has not."""
        for name in NO_NUMBERS:
            body = body.replace(name, TOO_LARGE)
        try:
            decoded = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            message, place = _split(error)
            is_number = "got `float`" in message or "out of range" in message
            if not is_number:  # an earlier flaw, in a part that ends after the number
                return self._describe(body, message, place, loc)
            return (*loc, *place), FINITE
        except Malformed as error:
            return loc, f"Invalid JSON: {error}"
        raw_loc = self._locate_raw(decoded)
        return raw_loc or loc, FINITE if raw_loc else "Invalid JSON: NaN or infinity"

    def _describe(
        self, body: bytes, message: str, place: Loc, loc: Loc
    ) -> tuple[Loc, str]:
        """Return a message of msgspec in plain words, with the value found."""
        if match := NAMED_FIELD.fullmatch(message):
            text = "required, and missing"
            if match[1] == "contains unknown":
                names = _field_names(type_info(self._kind), place)
                text = f"unknown key; there is {', '.join(names)}"
            return (*loc, *place, match[2]), text
        match = EXPECTED.fullmatch(message)
        if match is None:
            text = FINITE if "out of range" in message else message
            return (*loc, *place), text + _found(body, place, "")
        text = f"{_expected(match)} is needed"
        return (*loc, *place), text + _found(body, place, KINDS.get(match[5] or "", ""))


def _expected(match: re.Match[str]) -> str:
    """Return the type of an error of msgspec and its limit, in plain words."""
    expected, is_length, comparison, bound, _ = match.groups()
    kinds = expected.split(" | ")
    if "float" in kinds:
        kinds = [kind for kind in kinds if kind != "int"]
    text = " or ".join(KINDS.get(kind, kind) for kind in kinds)
    if not comparison:
        return text
    unit = ""
    if is_length:
        unit = " character" if expected == "str" else " item"
        unit += "s" * (bound != "1")
    limit = "at least" if comparison == ">=" else "at most"
    return f"{text} of {limit} {float(bound):g}{unit}"


def _field_names(kind: Type, place: Loc) -> list[str]:
    """Return the names of the fields of the struct at a place in a type."""
    if isinstance(kind, Metadata):
        return _field_names(kind.type, place)
    if isinstance(kind, UnionType):
        return [name for part in kind.types for name in _field_names(part, place)]
    if isinstance(kind, ListType):
        return _field_names(kind.item_type, place[1:])
    if not isinstance(kind, StructType):
        return []
    if not place:
        return [field.encode_name for field in kind.fields]
    inner = [field.type for field in kind.fields if field.encode_name == place[0]]
    return [name for part in inner for name in _field_names(part, place[1:])]


def _split(error: msgspec.ValidationError) -> tuple[str, Loc]:
    """Return message and place of an error: ``$.series[0].values[3]``."""
    message, _, path = str(error).rpartition(" - at `$")
    if not message:
        return str(error), ()
    steps = PATH.findall(path.partition("[...]")[0])  # up to a name in a mapping
    return message, tuple(int(index) if index else name for index, name in steps)


def _found(body: bytes, place: Loc, fallback: str) -> str:
    """Return the value at a place as the end of a sentence; empty if it is unknown."""
    text = fallback
    if len(body) <= MAX_LOOKUP_BYTES:
        try:
            text = _look_up(body, place) or fallback
        except (*Malformed, LookupError):
            pass
    return f"; found {text}" if text else ""


def _look_up(body: bytes, place: Loc) -> str:
    """Return the JSON of the value at a place, shortened, or its kind."""
    value: bytes | Raw = body
    for step in place:
        if isinstance(step, int):
            value = msgspec.json.decode(value, type=list[Raw])[step]
        else:
            value = msgspec.json.decode(value, type=dict[str, Raw])[step]
    text = bytes(value).strip()
    if text[:1] == b"[":
        return f"a list of {len(msgspec.json.decode(text, type=list[Raw]))}"
    if text[:1] == b"{":
        return "an object"
    return shortened(text.decode(errors="replace"), MAX_FOUND_LENGTH)
