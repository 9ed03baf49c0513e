"""How long compiling and validating takes as workflows grow, and how many expressions a second one core evaluates.

``python benchmarks/authoring.py --steps 1000 5000 20000`` prints CPU seconds.
"""

from __future__ import annotations

import argparse
import linecache
import time
from decimal import Decimal
from typing import Any

from armillary.authoring import Workflow
from armillary_engine.definition.expressions.evaluate import compile_expression
from armillary_engine.definition.expressions.parsing import parse

HEADER = """\
from armillary import call, task, workflow


@workflow
def flow(amount: int, name: str):
    total = amount
"""
BLOCK = """\
    reply_{i} = call("rating/quote-{i}", amount=total, name=name)
    if total > {i} and name != "x":
        total_{i} = total + {i} * 2
        task("Review{i}", roles=["lead"], payload={{"total": total_{i}}})
"""
STEPS_OF_BLOCK = 4
EXPRESSION = "price * count + fee - discount > limit"


def compile_seconds(steps: int) -> float:
    """CPU seconds from source text to a validated workflow of so many steps."""
    source = HEADER + "".join(BLOCK.format(i=i) for i in range(steps // STEPS_OF_BLOCK)) + "    return total\n"
    file = f"<benchmark {steps}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": "benchmark"}
    code = compile(source, file, "exec", dont_inherit=True)
    start = time.process_time()
    exec(code, space)
    seconds = time.process_time() - start
    assert isinstance(space["flow"], Workflow)
    return seconds


def expressions_per_second(count: int = 100_000) -> float:
    """Evaluations of an expression of five operations with decimals and a budget, per CPU second of one core."""
    run = compile_expression(parse(EXPRESSION))
    scope = {"price": Decimal("19.99"), "count": 3, "fee": Decimal("4.90"), "discount": 5, "limit": 50}
    start = time.process_time()
    for _ in range(count):
        run(scope)
    return count / (time.process_time() - start)


def main() -> None:
    """Prints the curve and the rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[1_000, 2_000, 5_000, 10_000, 20_000])
    for steps in parser.parse_args().steps:
        seconds = compile_seconds(steps)
        print(f"{steps:>6} steps: {seconds:6.2f} s CPU, {seconds / steps * 1000:.2f} ms a step")
    print(f"{EXPRESSION}: {max(expressions_per_second() for _ in range(3)):,.0f} a second")


if __name__ == "__main__":
    main()
