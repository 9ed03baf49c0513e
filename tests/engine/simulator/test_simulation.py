"""The engine under faults: some hundred seeds here, ten thousand in ``benchmarks/simulate.py``."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from armillary_engine.definition.expressions import CORE
from armillary_engine.definition.validate import validate
from armillary_engine.interpreter import prepare
from armillary_engine.testing.simulator import Coverage, SqliteDisk, simulate
from armillary_engine.testing.simulator.__main__ import main, on_sqlite
from armillary_engine.testing.simulator.definitions import FUNCTIONS, KINDS, kind_of, make_definitions
from armillary_engine.testing.simulator.story import Story

ABLE = {**CORE, **FUNCTIONS}
SEEDS = 300
CHUNK = 30


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_everything_holds(first: int) -> None:
    coverage, slices, instances, operations, acknowledged = Coverage(), 0, 0, 0, 0
    for seed in range(first, first + CHUNK):
        result = simulate(seed)
        assert result.failure is None, f"seed {seed}: {result.failure}\n{result.story}"
        coverage.add(result.coverage)
        slices, instances = slices + result.slices, instances + result.instances
        operations, acknowledged = operations + result.operations, acknowledged + result.acknowledged
    assert slices >= 15 * CHUNK
    assert instances >= 2 * CHUNK
    assert sum(coverage.actions.values()) >= 2 * CHUNK
    assert acknowledged * 100 >= operations * 95


def test_what_lies_beside_the_slices_happens_too() -> None:
    coverage = Coverage()
    for seed in range(200, 260):
        coverage.add(simulate(seed).coverage)
    assert set(coverage.sights) >= {
        "call accepted", "call silent", "run of a schedule", "service or function lacking", "signal over",
    }  # fmt: skip


@pytest.mark.parametrize("first", range(0, 12, 4))
def test_everything_holds_on_sqlite(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 4):
        result = simulate(seed, disk=on_sqlite(str(tmp_path)))
        assert result.failure is None, f"seed {seed}: {result.failure}\n{result.story}"


# Seeds that found a defect once: what it was is in the commit that mended it.
@pytest.mark.parametrize(
    "seed", [7, 8, 23, 25, 40, 56, 57, 92, 94, 206, 292, 333, 367, 386, 474, 477, 563, 580, 2284, 5513, 5560]
)  # fmt: skip
def test_what_was_found_before_is_mended(seed: int) -> None:
    result = simulate(seed)
    assert result.failure is None, f"seed {seed}: {result.failure}\n{result.story}"


def test_without_faults_everything_holds() -> None:
    for seed in range(40):
        result = simulate(seed, faulty=False)
        assert (result.failure, result.faults) == (None, 0), f"seed {seed}: {result.failure}\n{result.story}"


def test_a_seed_tells_the_same_story_every_time() -> None:
    for seed in (3, 41, 99):
        first, simulate_between = simulate(seed, story=True), simulate(seed + 200)
        assert simulate_between.seed == seed + 200
        assert simulate(seed, story=True).story == first.story


def test_seeds_tell_different_stories() -> None:
    assert len({simulate(seed, story=True).story for seed in range(8)}) == 8


def test_a_seed_tells_the_same_story_on_sqlite(tmp_path: Path) -> None:
    one = simulate(5, story=True, disk=lambda world: SqliteDisk(tmp_path / "one", world))
    two = simulate(5, story=True, disk=lambda world: SqliteDisk(tmp_path / "two", world))
    assert one.failure is None
    assert one.story == two.story


def test_the_story_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["simulator", "4"])
    assert main() == 0
    told = capsys.readouterr().out
    assert "opens the store" in told
    assert "seed 4: everything held" in told
    assert "from here on nothing goes wrong" in told


def test_a_story_shows_when_and_within_whose_time() -> None:
    story = Story()
    story.tell("%s begins", "i1")
    story.true, story.depth = 90_061_000_002, 1
    story.tell("meanwhile")
    assert story.text() == "   00:00:00.000000  i1 begins\n1d 01:01:01.000002  │ meanwhile"


def test_definitions_are_valid_of_every_kind_and_the_same_for_the_same_seed() -> None:
    kinds: set[str] = set()
    for seed in range(60):
        made = make_definitions(Random(seed))
        assert made == make_definitions(Random(seed))
        for definition in made:
            assert [problem for problem in validate(definition, ABLE) if problem.severity == "error"] == []
            nodes = prepare(definition, ABLE).nodes
            assert all(kind_of(id) == node.step.kind for id, node in nodes.items())
            kinds |= {node.step.kind for node in nodes.values()}
    assert kinds == set(KINDS)
