"""Semantic versions (semver.org 2.0.0) and ranges of them.

A range is a blank-separated list of terms that must all hold, or several such lists with ``||`` between them:
``*``, ``1.x``, ``1.2.*``, ``1.2.3`` (exactly), ``=1.2.3``, ``>=1.2``, ``<2``, ``^1.2`` (same major; below 1.0 same
minor), ``~1.2`` (same minor). A version with a prerelease label matches only ``*`` or a term of the same
major.minor.patch that has one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .problems import ArmillaryError

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    rf"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?", re.ASCII
)
_PART = r"(0|[1-9]\d*|[xX*])"
_TERM = re.compile(rf"(>=|<=|>|<|=|\^|~)?\s*v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:-({_IDENTIFIERS}))?", re.ASCII)

DRAFT = "0.0.0+"
"""How the version of a draft begins; eight hexadecimal digits of its digest follow."""


class VersionError(ArmillaryError):
    """A text that is no version or no range (``version.invalid``, ``version.range``)."""


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version; see :attr:`order`."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: str = ""

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts as semver says: numbers before words, a prerelease before its release; build is no part of it."""
        labels = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in self.prerelease)
        return (self.major, self.minor, self.patch, not labels, labels)

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += "-" + ".".join(self.prerelease) if self.prerelease else ""
        return text + ("+" + self.build if self.build else "")


@lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """``1.2.0``, ``2.0.0-rc.1``, ``0.0.0+1a2b3c4d`` → :class:`Version`."""
    found = _VERSION.fullmatch(text) if len(text) <= 200 else None
    labels = tuple(found[4].split(".")) if found and found[4] else ()
    if found is None or any(label.isdecimal() and label != "0" and label[0] == "0" for label in labels):
        hint = "write three numbers, such as 1.2.0"
        raise VersionError("version.invalid", f"expected a version like 1.2.0, got {text[:60]!r}", hint=hint)
    return Version(int(found[1]), int(found[2]), int(found[3]), labels, found[5] or "")


def is_draft(version: str | None) -> bool:
    """Whether a definition with this version is a draft: none was given, or it was derived from the digest."""
    return version is None or version.startswith(DRAFT)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """``low`` ≤ version < ``high``; orders as :attr:`Version.order`; ``None`` is no bound."""

    low: Version | None
    high: Version | None
    low_open: bool = False
    high_closed: bool = False


@lru_cache(maxsize=4096)
def _parse_range(text: str) -> tuple[tuple[_Bounds, ...], ...]:
    alternatives = []
    for part in text.split("||"):
        bounds, position, stripped = [], 0, part.strip()
        while position < len(stripped):
            found = _TERM.match(stripped, position)
            if found is None or (found.end() < len(stripped) and not stripped[found.end()].isspace()):
                raise _bad_range(text)
            bounds.append(_term(found, text))
            position = found.end()
            while position < len(stripped) and stripped[position].isspace():
                position += 1
        if not bounds:
            raise _bad_range(text)
        alternatives.append(tuple(bounds))
    return tuple(alternatives)


def _bad_range(text: str) -> VersionError:
    hint = "write *, 1.x, 1.2.3, ^1.2, ~1.2, or >=1.2 <2"
    return VersionError("version.range", f"expected a range of versions, got {text[:60]!r}", hint=hint)


def _term(found: re.Match[str], text: str) -> _Bounds:
    operator, *parts, label = found.groups()
    numbers: list[int] = []
    for part in parts:
        if part is None or part in "xX*":
            break
        numbers.append(int(part))
    if any(part is not None and part not in "xX*" for part in parts[len(numbers) :]):
        raise _bad_range(text)
    if label and len(numbers) < 3:
        raise _bad_range(text)
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    low = Version(major, minor, patch, tuple(label.split(".")) if label else ())
    return _bounds(operator or "", low, len(numbers))


def _bounds(operator: str, low: Version, given: int) -> _Bounds:
    after = _next(low, given)
    match operator:
        case ">=":
            return _Bounds(low if given else None, None)
        case ">":
            return _Bounds(low, None, low_open=True) if given == 3 else _Bounds(after or _NEVER, None)
        case "<":
            return _Bounds(None, low if given else _LOWEST)
        case "<=":
            return _Bounds(None, low, high_closed=True) if given == 3 else _Bounds(None, after)
        case "^":
            return _Bounds(low if given else None, _caret(low, given))
        case "~":
            return _Bounds(low if given else None, _next(low, min(given, 2)))
    if given == 3:
        return _Bounds(low, low, high_closed=True)
    return _Bounds(low if given else None, after)


_LOWEST = Version(0, 0, 0, ("0",))
_NEVER = Version(10**9, 0, 0)


def _next(low: Version, given: int) -> Version | None:
    """The first version after all that share the first ``given`` numbers with ``low``."""
    match given:
        case 0:
            return None
        case 1:
            return Version(low.major + 1, 0, 0)
        case 2:
            return Version(low.major, low.minor + 1, 0)
        case _:
            return Version(low.major, low.minor, low.patch + 1)


def _caret(low: Version, given: int) -> Version | None:
    if given == 0:
        return None
    if low.major or given == 1:
        return _next(low, 1)
    return _next(low, 2) if low.minor or given == 2 else _next(low, 3)


def check_range(text: str) -> None:
    """Raises :class:`VersionError` unless ``text`` is a range."""
    if is_draft(text):
        parse_version(text)
    else:
        _parse_range(text)


def matches(wanted: str, version: str) -> bool:
    """Whether ``version`` lies in the range ``wanted``."""
    if wanted.strip() == "*":
        parse_version(version)
        return True
    if wanted.strip() == version:  # a draft's version names itself; build labels count only here
        return True
    candidate = parse_version(version)
    if candidate.build and is_draft(version):
        return False
    return any(_all_hold(bounds, candidate) for bounds in _parse_range(wanted))


def _all_hold(bounds: tuple[_Bounds, ...], version: Version) -> bool:
    if version.prerelease and not any(_names_prerelease(b, version) for b in bounds):
        return False
    return all(_holds(b, version) for b in bounds)


def _names_prerelease(bounds: _Bounds, version: Version) -> bool:
    ends = (end for end in (bounds.low, bounds.high) if end is not None and end.prerelease)
    return any((end.major, end.minor, end.patch) == (version.major, version.minor, version.patch) for end in ends)


def _holds(bounds: _Bounds, version: Version) -> bool:
    order, low, high = version.order, bounds.low, bounds.high
    if low is not None and (order < low.order or (bounds.low_open and order == low.order)):
        return False
    return high is None or order < high.order or (bounds.high_closed and order == high.order)


def highest(wanted: str, versions: Iterable[str]) -> str | None:
    """The highest of ``versions`` in the range ``wanted``; ``None`` when none is. Drafts match ``*`` and come before
    releases; which draft is the newest is for the store to say."""
    found = [version for version in versions if matches(wanted, version)]
    return max(found, key=lambda version: parse_version(version).order, default=None)
