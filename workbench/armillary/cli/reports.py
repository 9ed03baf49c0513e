"""Problems as text for people, as JSON, as SARIF 2.1.0, and as the annotations of GitHub's workflows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from armillary_engine.definition.problems import Problem

Findings = Mapping[str, Sequence[Problem]]
"""What was found in each file (or what stands for one)."""


def text(findings: Findings) -> str:
    """One line a problem, as compilers write it, its hint below."""
    lines = [line for name, problems in findings.items() for problem in problems for line in _lines(name, problem)]
    errors = _count(findings, "error")
    warnings = _count(findings, "warning")
    return "\n".join([*lines, _summary(len(findings), errors, warnings)])


def _lines(name: str, problem: Problem) -> list[str]:
    step = f" (step {problem.step})" if problem.step else ""
    where = f"{_file(name, problem)}{_position(problem)}"
    hints = [f"    {line}" for line in problem.hint.splitlines()]
    return [f"{where}: {problem.severity}: {problem.message}{step}  [{problem.code}]", *_source(problem), *hints]


def _source(problem: Problem) -> list[str]:
    from ..authoring.errors import where

    return [f"  {line}" for line in where(problem.span)[1:]] if problem.span else []


def _position(problem: Problem) -> str:
    if problem.span:
        return f":{problem.span.line}:{problem.span.column + 1}"
    return f"#{problem.pointer}" if problem.pointer else ""


def _file(name: str, problem: Problem) -> str:
    return problem.span.file if problem.span else name


def _count(findings: Findings, severity: str) -> int:
    return sum(problem.severity == severity for problems in findings.values() for problem in problems)


def _summary(files: int, errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return "no problems" if files == 1 else f"no problems in {files} files"
    parts = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in ((errors, "error"), (warnings, "warning"))]
    return ", ".join(part for part in parts if not part.startswith("0"))


def as_json(findings: Findings) -> str:
    """A list of problems, each with its file."""
    rows = [
        {
            "file": _file(name, problem),
            "line": problem.span.line if problem.span else None,
            "column": problem.span.column + 1 if problem.span else None,
            "severity": problem.severity,
            "code": problem.code,
            "message": problem.message,
            "hint": problem.hint,
            "step": problem.step,
            "pointer": problem.pointer,
        }
        for name, problems in findings.items()
        for problem in problems
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def github(findings: Findings) -> str:
    """Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    kinds = {"error": "error", "warning": "warning", "info": "notice"}
    return "\n".join(
        f"::{kinds[problem.severity]} {_github_place(name, problem)}::{_escaped(_told(problem))}"
        for name, problems in findings.items()
        for problem in problems
    )


def _github_place(name: str, problem: Problem) -> str:
    fields = {"file": _file(name, problem), "title": problem.code}
    if problem.span:
        fields |= {"line": str(problem.span.line), "col": str(problem.span.column + 1)}
    return ",".join(f"{key}={_escaped(value, inside=True)}" for key, value in fields.items())


def _escaped(value: str, *, inside: bool = False) -> str:
    value = value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return value.replace(":", "%3A").replace(",", "%2C") if inside else value


def _told(problem: Problem) -> str:
    return f"{problem.message}\n{problem.hint}" if problem.hint else problem.message


_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif(findings: Findings) -> str:
    """SARIF 2.1.0, as code scanning services read it."""
    from importlib.metadata import version

    codes = sorted({problem.code for problems in findings.values() for problem in problems})
    results = [_result(name, problem) for name, problems in findings.items() for problem in problems]
    rules = [_rule(code) for code in codes]
    driver = {"name": "armillary", "semanticVersion": version("armillary"), "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _rule(code: str) -> dict[str, Any]:
    """What a code means; the reference has it at ``diagnostics.md#code``."""
    from ..authoring.diagnostics import EVERY

    info = EVERY.get(code)
    if info is None:
        return {"id": code}
    level = {"level": _LEVELS[info.severity]}
    return {
        "id": code,
        "shortDescription": {"text": info.summary},
        "help": {"text": info.fix},
        "defaultConfiguration": level,
    }


def _result(name: str, problem: Problem) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": _uri(_file(name, problem))}}}
    if problem.span:
        region = {"startLine": problem.span.line, "startColumn": problem.span.column + 1}
        if problem.span.end_line is not None and problem.span.end_column is not None:
            region |= {"endLine": problem.span.end_line, "endColumn": problem.span.end_column + 1}
        location["physicalLocation"]["region"] = region
    if problem.step:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.step, "kind": "member"}]
    message = {"text": _told(problem)}
    return {"ruleId": problem.code, "level": _LEVELS[problem.severity], "message": message, "locations": [location]}


def _uri(name: str) -> str:
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


FORMATS: dict[str, Callable[[Findings], str]] = {"text": text, "json": as_json, "sarif": sarif, "github": github}
