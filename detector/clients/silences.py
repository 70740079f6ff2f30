"""Silences as an Alertmanager lists them, by its API version 2."""

from datetime import UTC, datetime

import msgspec

from detector.incidents.feedback import Matcher, Silence


class SilencesError(ValueError):
    """A list of silences is not of the API's form."""


class _Matcher(msgspec.Struct):
    name: str
    value: str
    is_regex: bool = msgspec.field(name="isRegex", default=False)
    is_equal: bool = msgspec.field(name="isEqual", default=True)


class _Silence(msgspec.Struct):
    id: str
    updated_at: datetime = msgspec.field(name="updatedAt")
    matchers: list[_Matcher]
    comment: str = ""


_silences = msgspec.json.Decoder(list[_Silence])


def read_silences(body: bytes) -> tuple[Silence, ...]:
    """Read a list of silences. Raises SilencesError."""
    try:
        return tuple(_silence(one) for one in _silences.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise SilencesError(str(error)) from error


def _silence(one: _Silence) -> Silence:
    # RFC 3339 requires a zone; where one is missing all the same, it is not ours.
    at = one.updated_at if one.updated_at.tzinfo else one.updated_at.replace(tzinfo=UTC)
    matchers = tuple(Matcher(each.name, each.value, each.is_regex, each.is_equal) for each in one.matchers)
    return Silence(one.id, one.comment, at.timestamp(), matchers)
