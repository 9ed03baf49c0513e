"""Semantic versions and ranges."""

from __future__ import annotations

import pytest
from armillary_engine.definition.versions import VersionError, check_range, highest, is_draft, matches, parse_version
from hypothesis import given
from hypothesis import strategies as st

_SMALL = st.integers(0, 4)
_VERSIONS = st.builds("{}.{}.{}".format, _SMALL, _SMALL, _SMALL)


def test_order_is_that_of_semver_org() -> None:
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ]
    assert sorted(ordered[5:] + ordered[:5], key=lambda version: parse_version(version).order) == ordered


@pytest.mark.parametrize(
    "text", ["1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "v1.2.3", "1.2.3 ", "", "1.2.3+", "١.2.3"]
)
def test_no_versions(text: str) -> None:
    with pytest.raises(VersionError):
        parse_version(text)


@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        ("*", "1.5.0 0.0.1 1.0.0-rc.1", ""),
        ("1.x", "1.0.0 1.9.9", "0.9.0 2.0.0 1.5.0-rc.1 2.0.0-rc.1"),
        ("1", "1.0.0", "2.0.0"),
        ("1.2.*", "1.2.0 1.2.9", "1.3.0 1.1.9"),
        ("1.2.3", "1.2.3", "1.2.4 1.2.3-rc"),
        ("^1.2", "1.2.0 1.9.0", "1.1.9 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("~1.2", "1.2.9", "1.3.0"),
        ("~1", "1.9.0", "2.0.0"),
        (">=1.2 <2", "1.2.0 1.99.0", "1.1.0 2.0.0"),
        (">1.2", "1.3.0", "1.2.0 1.2.9"),
        ("<=1.2", "1.2.9 0.1.0", "1.3.0"),
        (">1.2.3", "1.2.4", "1.2.3"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        ("1.x || 3.x", "1.0.0 3.1.0", "2.0.0"),
        (">=1.0.0-rc.1", "1.0.0-rc.2 1.0.0 2.0.0", "1.0.0-beta 2.0.0-rc"),
        ("0.0.0+12345678", "0.0.0+12345678", "0.0.0+12345679"),
        ("1.x", "1.2.0+build", "0.0.0+1"),
        ("=1.2.0", "1.2.0", "1.2.1"),
        ("<1", "0.9.0", "1.0.0"),
    ],
)
def test_ranges(wanted: str, inside: str, outside: str) -> None:
    check_range(wanted)
    assert [version for version in inside.split() if not matches(wanted, version)] == []
    assert [version for version in outside.split() if matches(wanted, version)] == []


@pytest.mark.parametrize("wanted", ["", ">>1", "1.x.2", "^", "a", "1.2.3.4", "1 ||", "^1.2-rc", ">= ", "1,2"])
def test_no_ranges(wanted: str) -> None:
    with pytest.raises(VersionError) as caught:
        check_range(wanted)
    assert caught.value.code == "version.range"


@given(st.lists(_VERSIONS, max_size=8), _VERSIONS)
def test_the_highest_is_inside_and_nothing_inside_is_higher(versions: list[str], low: str) -> None:
    for wanted in ("*", f"^{low}", f"~{low}", f">={low}", f"<{low}", low):
        found = highest(wanted, versions)
        inside = [version for version in versions if matches(wanted, version)]
        assert (found is None) == (inside == [])
        assert found is None or all(parse_version(version).order <= parse_version(found).order for version in inside)


def test_drafts() -> None:
    assert is_draft(None)
    assert is_draft("0.0.0+1a2b3c4d")
    assert not is_draft("0.0.0")
    assert highest("*", ["0.0.0+1a2b3c4d", "1.0.0"]) == "1.0.0"
    assert highest("*", ["0.0.0+1a2b3c4d"]) == "0.0.0+1a2b3c4d"
