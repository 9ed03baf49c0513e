"""Beginnings that several want at a time: made and committed together, and the next sent before the last is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.backend import Begun
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.runtime import Caller
from armillary_engine.worker.batches import Batch
from armillary_engine.worker.inbox import BATCH, BATCHES, MANY
from armillary_engine.worker.wanted import Wanted

PATIENCE = 20
FITS = {"amount": 1}


class Hall:
    """Starts instances by their keys, each on a thread, while the store's commits wait for a gate."""

    def __init__(self, runtime: LocalRuntime, patch: pytest.MonkeyPatch) -> None:
        self.runtime, self.inbox = runtime, runtime.engine.inbox
        self.gate = threading.Event()
        self.commits: list[tuple[str, int]] = []
        """On which thread, and of how many."""
        self.refused: str | None = None
        """The key whose mutation the store does not take."""
        self.found: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self._entered = threading.Event()
        self.fails: str | None = None
        """The key whose batch the store fails for."""
        self._inner = runtime.engine.store.commit
        patch.setattr(runtime.engine.store, "commit", self._commit)

    def _commit(self, mutations: Any) -> Any:
        self._entered.set()
        assert self.gate.wait(PATIENCE)
        self.commits.append((threading.current_thread().name, len(mutations)))
        if self.refused in [mutation.row.key for mutation in mutations]:
            raise ArmillaryError("store.too-large", "expected less")
        if self.fails in [mutation.row.key for mutation in mutations]:
            self._inner(mutations)  # nobody knows
            raise ArmillaryError("store.lost", "expected an answer")
        return self._inner(mutations)

    def start(self, key: str, input: Any = FITS, *, id: str | None = None) -> None:
        """On a thread; returns when its commit has begun, or when it waits for that of another one."""
        waiting = self.inbox.waiting
        thread = threading.Thread(target=self._start, args=(key, input, id), name=key)
        thread.start()
        self._threads.append(thread)
        assert self._entered.wait(PATIENCE)
        while len(self._threads) > 1 and self.inbox.waiting == waiting:
            pass

    def _start(self, key: str, input: Any, id: str | None) -> None:
        try:
            self.found[key] = self.runtime.start("Waits", input, key=key, id=id).id
        except ArmillaryError as error:
            self.found[key] = error.code

    def open(self) -> None:
        """Lets them commit, and waits until all are over."""
        self.gate.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def expect_all_places(self) -> None:
        """When the calls have ended, none is lost."""
        pool = self.runtime.engine.pool
        while not pool.idle:
            pass
        places = pool.reserve_all()
        pool.release_unused(places, [])
        assert places.services == {"rating": 3}


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    with LocalRuntime(f"sqlite:///{tmp_path}/store.sqlite") as runtime:
        quote = m.Call("quote", m.Address("rating", "quote"), m.Const(None), result="quote")
        wanted = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
        runtime.deploy(m.Definition("Waits", (quote, m.Task("review", "Review")), input=wanted))
        runtime.register_service("rating", lambda request: 1, concurrency=3)
        hall = Hall(runtime, monkeypatch)
        yield hall
        hall.open()
        assert runtime.check() == []


def test_the_first_is_alone_and_the_others_are_the_loops(hall: Hall) -> None:
    for key in ("first", "second", "third", "fourth"):
        hall.start(key)
    hall.open()
    assert hall.commits[0] == ("first", 1)
    assert ("armillary-engine", 3) in [(name, min(count, 3)) for name, count in hall.commits[1:]], "and maybe a reply"
    assert len({hall.runtime.instance(id).id for id in hall.found.values()}) == 4


def test_what_cannot_be_begun_is_its_callers_to_see(hall: Hall) -> None:
    hall.start("first")
    hall.start("second", {"amount": "much"})
    hall.start("third")
    hall.open()
    assert hall.found["second"] == "input.invalid"
    assert hall.runtime.instance(hall.found["third"]).key == "third"


def test_what_the_store_refuses_takes_no_other_with_it(hall: Hall) -> None:
    hall.refused = "second"
    for key, input in (("first", FITS), ("second", FITS), ("unfit", {"amount": "much"}), ("third", FITS)):
        hall.start(key, input)
    hall.open()
    assert (hall.found["second"], hall.found["unfit"]) == ("store.too-large", "input.invalid")
    assert {hall.runtime.instance(hall.found[key]).key for key in ("first", "third")} == {"first", "third"}
    hall.expect_all_places()


def test_of_two_that_begin_with_one_id_one_does(hall: Hall) -> None:
    hall.start("first")
    hall.start("second", id="mine")
    hall.start("third", id="mine")
    hall.open()
    assert hall.found["second"] == "mine"
    assert hall.found["third"] == "instance.exists", "it is not what was started under its key"
    assert hall.runtime.instance("mine").key == "second"
    hall.expect_all_places()


def test_whoever_waits_when_the_engine_stops_is_still_served(hall: Hall) -> None:
    hall.start("first")
    hall.start("second")
    stopping = threading.Thread(target=hall.runtime._loop.stop)
    stopping.start()
    hall.open()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert {hall.runtime.instance(id).key for id in hall.found.values()} == {"first", "second"}
    hall.runtime.start("Waits", FITS, key="late")


def test_what_the_store_may_have_begun_is_not_begun_again(hall: Hall) -> None:
    """Without a key it would be another one."""
    hall.fails = "second"
    for key in ("first", "second", "third"):
        hall.start(key)
    hall.open()
    assert (hall.found["second"], hall.found["third"]) == ("store.lost", "store.lost")
    assert len(hall.runtime.instances()) == 3


def inbox_alone(runtime: LocalRuntime) -> Any:
    """One that is settled by nobody but the test."""
    runtime.engine.pulse.work = False
    return runtime.engine.inbox


def wanted(inbox: Any, runtime: LocalRuntime, key: str) -> Wanted:
    def begin() -> Any:
        return runtime._starts._begin("Waits", FITS, version="*", key=key, id=key, later=0, caller=Caller())

    one = Wanted(begin)
    inbox._waiting.append(one)
    return one


def batches_of(runtime: LocalRuntime, patch: pytest.MonkeyPatch, comes: str | None = None) -> list[int]:
    """The sizes of the batches that are sent from now on. ``comes``: with each of them, one more of such a name."""
    store, sent = runtime.engine.store, list[int]()
    begin = store.begin

    def noted(mutations: Any) -> Any:
        sent.append(len(mutations))
        if comes is not None:
            wanted(runtime.engine.inbox, runtime, f"{comes}-{len(sent)}")
        return begin(mutations)

    patch.setattr(store, "begin", noted)
    return sent


@pytest.fixture
def idle() -> Iterator[LocalRuntime]:
    """A runtime without a loop."""
    with LocalRuntime("memory://", work=False) as runtime:
        runtime.deploy(m.Definition("Waits", (m.Task("review", "Review"),), input={"type": "object"}))
        yield runtime
        assert runtime.check() == []


def test_the_next_batch_is_sent_before_anybody_is_told_of_the_last(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, store, seen = inbox_alone(idle), idle.engine.store, list[str]()
    begin = store.begin

    def noted(mutations: Any) -> Any:
        seen.append("sends " + " ".join(one.row.id for one in mutations))
        begun = begin(mutations)
        if len(seen) == 1:
            wanted(inbox, idle, "second")  # it comes while the store is at the first

        def hear() -> Any:
            seen.append("hears")
            return begun.outcomes()

        return Begun(hear)

    monkeypatch.setattr(store, "begin", noted)
    idle.subscribe(lambda changed: seen.append(f"tells {changed.instance}"), at_once=True)
    first = wanted(inbox, idle, "first")
    assert inbox.settle()
    assert seen == ["sends first", "hears", "sends second", "tells first", "hears", "tells second"]
    assert first.wait()[1].kind == "committed"


class Slow:
    """A store that is at each batch for a while: ``seen`` says what happens meanwhile. ``comes``: what comes once while
    it is asked whether it is done, which it then is or is not."""

    def __init__(self, runtime: LocalRuntime, patch: pytest.MonkeyPatch, *, done: bool) -> None:
        self.runtime, self.inbox = runtime, inbox_alone(runtime)
        self.seen: list[str] = []
        self.comes: list[str] = []
        self.done = done
        self._inner = runtime.engine.store.begin
        self._making = Wanted.prepare
        patch.setattr(runtime.engine.store, "begin", self._begin)
        patch.setattr(Wanted, "prepare", lambda one: self._prepare(one))
        runtime.subscribe(lambda changed: self.seen.append(f"tells {changed.instance}"), at_once=True)

    def want(self, *names: str) -> list[Wanted]:
        return [wanted(self.inbox, self.runtime, name) for name in names]

    def _prepare(self, one: Wanted) -> Any:
        made = self._making(one)
        assert made is not None
        self.seen.append(f"makes {made.row.id}")
        return made

    def _begin(self, mutations: Any) -> Begun:
        names = " ".join(one.row.id for one in mutations)
        self.seen.append(f"sends {names}")
        begun = self._inner(mutations)
        if len([one for one in self.seen if one.startswith("sends")]) == 1:
            self.want("second")

        def ready(seconds: float) -> bool:
            assert seconds > 0
            self.seen.append(f"asks for {names}")
            self.want(*self.comes)
            self.comes = []
            return self.done

        def outcomes() -> Any:
            self.seen.append(f"hears of {names}")
            return begun.outcomes()

        return Begun(outcomes, ready)

    def since_second(self) -> list[str]:
        return self.seen[self.seen.index("sends second") + 1 :]


FIRST = [f"f{n}" for n in range(MANY)]


@pytest.mark.parametrize("done", [False, True])
def test_what_comes_while_the_store_is_at_a_batch_is_made_meanwhile(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    slow = Slow(idle, monkeypatch, done=done)
    all_wanted = slow.want(*FIRST)
    slow.comes = ["third"]
    assert slow.inbox.settle()
    tells = [f"tells {name}" for name in FIRST]
    between = ["makes third", "hears of second"]
    assert slow.since_second() == [
        *tells, "asks for second", *(reversed(between) if done else between), "sends third", "tells second",
        "hears of third", "tells third",
    ]  # fmt: skip
    assert {one.wait()[1].kind for one in all_wanted} == {"committed"}


def test_where_few_were_told_nobody_waits_for_what_they_bring(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(idle, monkeypatch, done=False)
    slow.want(*FIRST[1:])
    assert slow.inbox.settle()
    assert not [one for one in slow.seen if one.startswith("asks")]


def test_what_else_there_is_to_do_is_not_put_off(idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(idle, monkeypatch, done=False)
    slow.want(*FIRST)
    idle.subscribe(lambda changed: idle.engine.pulse.beat(), at_once=True)  # something is ready in the store
    slow.comes = ["third"]
    assert slow.inbox.settle()
    assert slow.since_second()[-3:] == ["asks for second", "hears of second", "tells second"]
    assert slow.inbox.waiting == 1
    slow.inbox.finish()


def test_whoever_was_sent_is_told_where_the_next_cannot_be_made(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(idle, monkeypatch, done=False)
    make, all_wanted = Batch.make, slow.want(*FIRST)

    def fails_the_third_time(self: Batch) -> None:
        if "sends second" in slow.seen:
            slow.seen.append("fails")
            raise ArmillaryError("store.lost", "expected an answer")
        make(self)

    monkeypatch.setattr(Batch, "make", fails_the_third_time)
    slow.comes = ["third"]
    with pytest.raises(ArmillaryError, match="an answer"):
        slow.inbox.settle()
    assert slow.since_second()[-4:] == ["asks for second", "fails", "hears of second", "tells second"]
    assert {one.wait()[1].kind for one in all_wanted} == {"committed"}


@pytest.mark.parametrize("point", ["sent", "heard"])
def test_whoever_is_in_the_next_batch_is_told_where_the_last_one_failed(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    inbox, store, both = inbox_alone(idle), idle.engine.store, list[Wanted]()
    begin = store.begin

    def failing(mutations: Any) -> Any:
        def fail() -> Any:
            raise ArmillaryError("store.lost", "expected an answer")

        name = mutations[0].row.id
        if name == "first":
            both.append(wanted(inbox, idle, "second"))
            return Begun(fail) if point == "heard" else begin(mutations)
        if point == "sent":
            return fail()
        outcomes = store.commit(mutations)
        return Begun(lambda: outcomes)

    monkeypatch.setattr(store, "begin", failing)
    both.append(wanted(inbox, idle, "first"))
    with pytest.raises(ArmillaryError, match="an answer"):
        inbox.settle()
    lost, fine = (both[0], both[1]) if point == "heard" else (both[1], both[0])
    assert (lost.over, fine.over) == (True, True)
    with pytest.raises(ArmillaryError, match="an answer"):
        lost.wait()
    assert fine.wait()[1].kind == "committed"


@pytest.mark.parametrize(("pressed", "batches"), [(True, 1), (False, BATCHES)])
def test_the_loop_looks_for_what_else_there_is_to_do_however_much_comes(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch, pressed: bool, batches: int
) -> None:
    inbox, sent = inbox_alone(idle), batches_of(idle, monkeypatch, comes="late")
    wanted(inbox, idle, "first")
    idle.engine.pulse.work = pressed
    assert inbox.settle()
    assert len(sent) == batches
    monkeypatch.undo()
    inbox.finish()


def test_what_had_come_before_is_taken_whatever_else_there_is_to_do(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else more calls would be sent than answers are committed."""
    inbox, sent = inbox_alone(idle), batches_of(idle, monkeypatch, comes="late")
    before = [wanted(inbox, idle, f"w{n}") for n in range(3 * BATCH - 4)]
    idle.engine.pulse.work = True
    assert inbox.settle()
    assert all(one.over for one in before)
    assert sent == [BATCH, BATCH, BATCH - 2]
    assert inbox.waiting == 1
    monkeypatch.undo()
    inbox.finish()


def test_a_batch_has_so_many_at_most(idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, sent = inbox_alone(idle), batches_of(idle, monkeypatch)
    all_wanted = [wanted(inbox, idle, f"w{n}") for n in range(BATCH + 8)]
    assert inbox.settle()
    assert sent == [BATCH, 8]
    assert {one.wait()[1].kind for one in all_wanted} == {"committed"}
    assert not inbox.settle(), "nothing is left"


def test_answers_for_one_instance_are_taken_one_after_the_other_as_they_came(idle: LocalRuntime) -> None:
    calls = [m.Call(f"c{n}", m.Address("s", f"o{n}"), m.Const(None)) for n in range(4)]
    idle.deploy(m.Definition("Asks", (m.Fork("all", tuple(m.ForkBranch(one.id, (one,)) for one in calls)),)))
    gates = {f"o{n}": threading.Event() for n in range(4)}

    def answer(request: Any) -> int:
        assert gates[request.operation].wait(PATIENCE)
        return 1

    idle.register_service("s", answer, concurrency=4)
    id = idle.start("Asks").id
    inbox = idle.engine.inbox
    order = ["o2", "o0", "o3", "o1"]
    for count, name in enumerate(order, 1):
        gates[name].set()
        while inbox.waiting < count:
            pass
    other = wanted(inbox, idle, "other")
    assert inbox.settle()
    assert other.over
    idle.engine.pulse.work = True  # whatever else there is to do
    inbox.finish()
    ended = [one.step for one in idle.history(id) if one.type == "step.done"]
    assert ended == [f"c{name[1]}" for name in order] + ["all"]
    assert idle.instance(id).status == "completed"
    assert idle.engine.telemetry.counts().get("commit.conflict", 0) == 0


def test_nobody_waits_for_an_engine_that_has_stopped_whatever_its_store_does(
    idle: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise ArmillaryError("store.lost", "expected an answer")

    inbox = inbox_alone(idle)
    all_wanted = [wanted(inbox, idle, f"w{n}") for n in range(BATCH + 1)]
    monkeypatch.setattr(idle.engine.store, "begin", fail)
    with pytest.raises(ArmillaryError, match="an answer"):
        inbox.finish()
    monkeypatch.undo()
    assert [one.over for one in all_wanted] == [True] * len(all_wanted)


def test_no_thread_lends_a_hand_where_none_is_wanted(idle: LocalRuntime) -> None:
    inbox = inbox_alone(idle)
    one = wanted(inbox, idle, "one")
    idle.engine.pulse.flag.clear()
    inbox.lend()
    assert (one.over, idle.engine.pulse.flag.is_set()) == (False, True), "the loop is told"
    inbox.finish()
    assert one.over
