import json
import re

import pytest
from armillary.cli import reports
from armillary_engine.definition.problems import Problem, Span
from jsonschema import Draft202012Validator

SPAN = Span("flows/approve application.py", 4, 11, 4, 17, "    return quotes.premium")
FINDINGS = {
    "flows/approve application.py": [
        Problem("name.unassigned", "expected an assigned name, got 'quotes'", hint="did you mean quote?", span=SPAN),
    ],
    "claim.json": [
        Problem("schema.invalid", "expected a JSON Schema, got: 100%, really", pointer="/body/0/answer", step="review"),
        Problem("id.ambiguous", "a\nb", severity="warning"),
    ],
}


def test_text_reads_like_a_compiler():
    lines = reports.text(FINDINGS).split("\n")
    assert lines[0].startswith("flows/approve application.py:4:12: error: expected an assigned name")
    assert lines[1].strip() == "return quotes.premium"
    assert lines[2].index("^") == lines[1].index("quotes")
    assert lines[2].count("^") == 6
    assert "did you mean quote?" in lines[3]
    assert lines[4].startswith("claim.json#/body/0/answer: error: ")
    assert "(step review)" in lines[4]
    assert lines[-1] == "2 errors, 1 warning"


def test_text_of_nothing():
    assert reports.text({"a.py": []}) == "no problems"


def test_json_is_a_flat_list():
    rows = json.loads(reports.as_json(FINDINGS))
    assert [row["code"] for row in rows] == ["name.unassigned", "schema.invalid", "id.ambiguous"]
    assert (rows[0]["line"], rows[0]["column"], rows[1]["pointer"]) == (4, 12, "/body/0/answer")


def test_github_annotations_are_escaped():
    first, second, third = reports.github(FINDINGS).split("\n")
    assert first.startswith("::error file=flows/approve application.py,title=name.unassigned,line=4,col=12::expected")
    assert "100%25, really" in second
    assert third.endswith("::a%0Ab")
    assert third.startswith("::warning ")


def test_sarif_names_the_place_in_the_file():
    run = json.loads(reports.sarif(FINDINGS))["runs"][0]
    first, second, _ = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "flows/approve%20application.py"
    assert place["region"] == {"startLine": 4, "startColumn": 12, "endLine": 4, "endColumn": 18}
    assert second["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "review"
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {result["ruleId"] for result in run["results"]}


TEXT = {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
REGION = {
    "type": "object",
    "properties": {
        key: {"type": "integer", "minimum": 1} for key in ("startLine", "startColumn", "endLine", "endColumn")
    },
    "required": ["startLine"],
    "additionalProperties": False,
}
RULE = {
    "type": "object",
    "properties": {
        "id": {"type": "string"}, "shortDescription": TEXT, "help": TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}, "additionalProperties": False},
    },
    "required": ["id"],
    "additionalProperties": False,
}  # fmt: skip
PHYSICAL = {
    "type": "object",
    "properties": {
        "artifactLocation": {
            "type": "object",
            "properties": {"uri": {"type": "string", "format": "uri-reference"}},
            "required": ["uri"],
        },
        "region": REGION,
    },
    "additionalProperties": False,
}
LOGICAL = {"type": "object", "properties": {"fullyQualifiedName": {"type": "string"}, "kind": {"type": "string"}}}
LOCATION = {
    "type": "object",
    "properties": {
        "physicalLocation": PHYSICAL,
        "logicalLocations": {"type": "array", "items": LOGICAL, "minItems": 1},
    },
    "additionalProperties": False,
}
RESULT = {
    "type": "object",
    "properties": {
        "ruleId": {"type": "string"}, "level": LEVEL, "message": TEXT,
        "locations": {"type": "array", "items": LOCATION, "uniqueItems": True},
    },
    "required": ["message"],
    "additionalProperties": False,
}  # fmt: skip
DRIVER = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "semanticVersion": {"type": "string"},
        "rules": {"type": "array", "items": RULE, "uniqueItems": True},
    },
    "required": ["name"],
    "additionalProperties": False,
}
RUN = {
    "type": "object",
    "properties": {
        "tool": {"type": "object", "properties": {"driver": DRIVER}, "required": ["driver"]},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": RESULT},
    },
    "required": ["tool"],
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {"type": "array", "items": RUN},
    },
    "required": ["version", "runs"],
    "additionalProperties": False,
}
"""What SARIF 2.1.0 (OASIS standard, sections 3.13 to 3.52) says of the parts that are written, and of no others."""


@pytest.mark.parametrize("findings", [FINDINGS, {"a.py": []}, {"/abs olute/ä.py": FINDINGS["claim.json"]}])
def test_sarif_is_as_the_standard_says(findings):
    document = json.loads(reports.sarif(findings))
    Draft202012Validator(SARIF, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    (run,) = document["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(ids) == len(set(ids))  # 3.19.23: no two rules are the same
    for result in run["results"]:
        assert result["ruleId"] in ids
        for location in result["locations"]:
            region = location["physicalLocation"].get("region", {})
            if "endLine" in region:  # 3.30.7, 3.30.8: it ends where it begins or after it
                assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert not set(uri) & set(' <>"{}|\\^`')  # RFC 3986


def test_sarif_explains_its_rules():
    rules = json.loads(reports.sarif(FINDINGS))["runs"][0]["tool"]["driver"]["rules"]
    assert {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules} == {
        "name.unassigned": "error", "schema.invalid": "error", "id.ambiguous": "warning",
    }  # fmt: skip
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)


COMMAND = re.compile(r"::(error|warning|notice)( [a-zA-Z]+=[^,:\r\n]*(,[a-zA-Z]+=[^,:\r\n]*)*)?::([^\r\n]+)")


def test_github_reads_back_what_was_written():
    """As the runner reads it: a command in a line, properties apart at `,`, escapes undone, `%25` at the last."""
    lines = reports.github(FINDINGS).split("\n")
    problems = [problem for one in FINDINGS.values() for problem in one]
    assert len(lines) == len(problems)
    for line, problem in zip(lines, problems, strict=True):
        found = COMMAND.fullmatch(line)
        assert found is not None
        pairs = dict(pair.split("=", 1) for pair in found[2].strip().split(","))
        text = found[4].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        assert text == (f"{problem.message}\n{problem.hint}" if problem.hint else problem.message)
        title = pairs["title"].replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
        assert title == problem.code
        assert pairs.keys() <= {"file", "line", "col", "title"}


@pytest.mark.parametrize("form", reports.FORMATS)
def test_every_format_can_say_that_there_is_nothing(form):
    shown = reports.FORMATS[form]({"a.py": []})
    assert "error" not in shown
