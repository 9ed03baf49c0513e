"""Whether a document is valid SVG: svgwrite's tables of SVG 1.1 (elements, content models, attribute values), and what
no table holds: ids that are unique, references that lead somewhere, a style sheet that a browser reads whole.

ARIA's attributes, ``tabindex`` and ``data-*`` are SVG 2's and of no concern to those tables.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree

from svgwrite.validator2 import get_validator

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_LATER = re.compile(r"(aria|data)-[a-z-]+|role|tabindex")
_TABLES = get_validator("full", debug=True)


def faults(source: str) -> list[str]:
    """What is wrong with a document; nothing for a valid one."""
    try:
        root = ElementTree.fromstring(source)
    except ElementTree.ParseError as error:
        return [f"no XML: {error}"]
    return [*_structure(root), *_references(root), *_styles(root)]


def _structure(root: ElementTree.Element) -> Iterator[str]:
    if root.tag != f"{_SVG}svg":
        yield f"the root is {root.tag}"
    for element in root.iter():
        name = element.tag.removeprefix(_SVG)
        if not _TABLES.is_valid_elementname(name):
            yield f"<{name}> is no element"
            continue
        for child in element:
            if not _TABLES.is_valid_children(name, child.tag.removeprefix(_SVG)):
                yield f"<{child.tag.removeprefix(_SVG)}> in <{name}>"
        for attribute, value in element.attrib.items():
            known = attribute.replace(_XLINK, "xlink:")
            if _LATER.fullmatch(known):
                continue
            try:
                _TABLES.check_svg_attribute_value(name, known, value)
            except (TypeError, ValueError) as error:
                yield str(error)


def _references(root: ElementTree.Element) -> Iterator[str]:
    ids = Counter(element.get("id") for element in root.iter() if element.get("id") is not None)
    yield from (f"id {name} occurs {number} times" for name, number in ids.items() if number > 1)
    for element in root.iter():
        for attribute in ("href", f"{_XLINK}href"):
            target = element.get(attribute)
            if target is not None and target.removeprefix("#") not in ids:
                yield f"{target} leads nowhere"
        for attribute in ("aria-labelledby", "aria-describedby"):
            yield from (f"{target} leads nowhere" for target in element.get(attribute, "").split() if target not in ids)


def _styles(root: ElementTree.Element) -> Iterator[str]:
    for style in root.iter(f"{_SVG}style"):
        text = style.text or ""
        depth = 0
        for character in text:
            depth += (character == "{") - (character == "}")
            if depth < 0:
                yield "a brace too many in the style sheet"
                return
        if depth or "<" in text:
            yield "a style sheet that does not end"
        selectors = re.sub(r"\{[^{}]*\}", "\n", re.sub(r"@[^{]*\{", "", text))
        identity = root.get("id")
        for selector in filter(None, (part.strip() for part in re.split(r"[,\n}]", selectors))):
            if not selector.startswith(f"#{identity}") and not re.fullmatch(r"\d+%|from|to", selector):
                yield f"the selector {selector} is not of this picture"
