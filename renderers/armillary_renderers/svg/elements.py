"""XML elements for svgwrite.

svgwrite's element classes set up a validator each and convert every attribute, which takes longer than the rest of the
pipeline for a large picture (docs/explanation/layout has the figures). So the drawing is svgwrite's, and the subtrees
added to it are ready ElementTree elements, the type that svgwrite itself serialises. ElementTree writes a document by
way of two passes for namespaces, of which a drawing has none beside its root's; :func:`written` gives the same bytes in
a third of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

from svgwrite.base import BaseElement
from svgwrite.params import Parameter

Xml = ElementTree.Element
_PARAMETER = Parameter(debug=False)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, attributes: dict[str, str], text: str | None = None) -> Xml:
    """An XML element with ready attributes."""
    made = Xml(name, attributes)
    made.text = text
    return made


class Subtree(BaseElement):  # type: ignore[misc]
    """A ready XML element as an element of a svgwrite drawing."""

    def __init__(self, xml: Xml) -> None:
        self._parameter = _PARAMETER
        self.elementname = xml.tag
        self.attribs = xml.attrib
        self.elements: list[BaseElement] = []
        self.xml = xml

    def get_xml(self) -> Xml:
        return self.xml


def safe(text: str) -> str:
    """The text without the characters that no XML document may hold."""
    return _NOT_XML.sub("", text)


def written(root: Xml) -> str:
    """The element and all in it as text, escaped as ElementTree does it."""
    parts: list[str] = []
    _write(root, parts.append)
    return "".join(parts)


def _write(element: Xml, put: Callable[[str], None]) -> None:
    tag, text = element.tag, element.text
    given = element.attrib
    if _SPECIAL("".join(given.values())):
        given = {name: _attribute(value) for name, value in given.items()}
    attributes = "".join([f' {name}="{value}"' for name, value in given.items()])
    if not text and not len(element):
        put(f"<{tag}{attributes} />")
        return
    put(f"<{tag}{attributes}>")
    if text:
        put(_escaped(text) if _SPECIAL(text) else text)
    for child in element:
        _write(child, put)
    put(f"</{tag}>")


_SPECIAL = re.compile('[&<>"\r\n\t]').search


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    text = _escaped(text).replace('"', "&quot;")
    return text.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#09;")
