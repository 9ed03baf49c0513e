"""Throws broken and odd texts at all that reads what people write, and looks for a crash, a hang or a foreign error.

``python tests/fuzz/fuzz.py --seconds 120`` takes turns among the targets; a case is told by its target and its number,
so ``--only python --case 4711`` makes the same one again. Exits with 1 after the first ten findings, or at the end if
there was one.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

sys.path.insert(0, str(Path(__file__).parent))

import targets
from armillary_engine.definition.problems import ArmillaryError

CASE_LIMIT = 10.0
"""Seconds of CPU time that a case may take before it counts as a hang."""
ENOUGH = 10


class HangError(BaseException):
    """A case took longer than CASE_LIMIT. No ``Exception``, so that nothing that is looked at may swallow it."""


@dataclass
class Report:
    """What came of the cases: how many were understood, how many refused, and what was found."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)

    def text(self) -> str:
        """One line a target."""
        lines = []
        for name, outcomes in self.outcomes.items():
            seconds, number = self.slowest[name]
            told = ", ".join(f"{count:,} {what}" for what, count in outcomes.most_common())
            lines.append(
                f"{name:<12} {sum(outcomes.values()):>9,} cases: {told}; slowest {seconds:.2f} s (case {number})"
            )
        return "\n".join([*lines, f"{len(self.findings)} findings"])


def run_case(name: str, number: int, report: Report) -> None:
    """Makes and runs one case."""
    random = Random(f"{name}-{number}")
    case = targets.TARGETS[name].make(random)
    begin = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, CASE_LIMIT)
    outcome = "refused"
    try:
        outcome = targets.TARGETS[name].run(case, random)
    except ArmillaryError as error:
        if not error.code or not str(error):
            report.findings.append(f"{name} {number}: an error without a code or a text\n{case}")
    except (Exception, HangError) as error:  # noqa: BLE001 - this is what is looked for
        outcome = "found"
        trace = "".join(traceback.format_exception(error)[-8:])
        report.findings.append(f"{name} --case {number}: {type(error).__name__}: {error}\n{trace}\n--- case\n{case}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    took = time.process_time() - begin
    report.outcomes.setdefault(name, Counter())[outcome] += 1
    report.slowest[name] = max(report.slowest.get(name, (0.0, number)), (took, number))


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise HangError


def fuzz(names: list[str], *, seconds: float = 0, cases: int = 0, first: int = 0) -> Report:
    """Runs cases of each target in turn, for ``seconds`` or ``cases`` of each."""
    report, end, number = Report(), time.monotonic() + seconds, first
    before = signal.signal(signal.SIGPROF, _hang)
    try:
        while (number - first < cases) if cases else (time.monotonic() < end):
            for name in names:
                seen = len(report.findings)
                run_case(name, number, report)
                for finding in report.findings[seen:]:
                    print(finding, flush=True)
            if len(report.findings) >= ENOUGH:
                break
            number += 1
    finally:
        signal.signal(signal.SIGPROF, before)
    return report


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--case", type=int, help="run this case only")
    parser.add_argument("--only", choices=sorted(targets.TARGETS), action="append")
    asked = parser.parse_args()
    names = asked.only or list(targets.TARGETS)
    if asked.case is not None:
        report = fuzz(names, cases=1, first=asked.case)
    else:
        report = fuzz(names, seconds=asked.seconds, first=asked.first)
    print(report.text())
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
