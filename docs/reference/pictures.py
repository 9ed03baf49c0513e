"""Pictures of pages, of which there are many: each without the rules of its style sheet that nothing in it meets."""

from __future__ import annotations

import re

_SHEET = re.compile(r"(?<=<style>).*?(?=</style>)", re.DOTALL)
_NEEDS = re.compile(r"\.(?P<name>[\w-]+)|\[(?P<attribute>[\w-]+)(?:='?(?P<value>[^'\]]*)'?)?\]")
_MOTION = re.compile(r"@media \(prefers-reduced-motion.*?infinite\}\}\n@keyframes [^\n]*\n", re.DOTALL)
"""Only what runs moves."""
_PSEUDO = re.compile(r":not\([^)]*\)|:[\w-]+")


def lean(svg: str) -> str:
    """The same picture, for the eye; an attribute alone no longer shows a state in it. Not for ``theme="auto"``."""
    body = _SHEET.sub("", svg)
    classes = {name for found in re.findall(r'class="([^"]*)"', body) for name in found.split()}

    def meets(selector: str) -> bool:
        for need in _NEEDS.finditer(_PSEUDO.sub("", selector)):
            name, attribute, value = need["name"], need["attribute"], need["value"]
            if name is not None and name not in classes:
                return False
            if attribute is not None and f' {attribute}="' + ("" if value is None else f'{value}"') not in body:
                return False
        return True

    def rule(line: str) -> str:
        selectors, _, rest = line.partition("{")
        kept = [selector for selector in selectors.split(",") if meets(selector)]
        return f"{','.join(kept)}{{{rest}" if kept else ""

    def sheet(found: re.Match[str]) -> str:
        return "\n".join(filter(None, map(rule, _MOTION.sub("", found.group()).splitlines())))

    return _SHEET.sub(sheet, svg)
