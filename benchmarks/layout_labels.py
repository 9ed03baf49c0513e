"""How many labels do not fit their three lines and end in an ellipsis, at *normal*.

    python benchmarks/layout_labels.py [--show]

Of the gallery, of the definitions in tests/workbench/authoring/natural/mended (written by others, made to compile), and
of generated titles in five languages: an imperative of three to nine words, as people write them into steps.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from armillary.authoring.load import load_workflows
from armillary_engine.definition import model as m
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.from_definition import project
from armillary_renderers.sizes import measure

NATURAL = Path(__file__).parents[1] / "tests" / "workbench" / "authoring" / "natural" / "mended"
WORDS = {
    "English": "review approve send check the application customer invoice payment documents of and for missing "
    "details before shipment to underwriter credit record confirmation with manager issue policy order reject request",
    "German": "prüfen den Antrag Kunden der Rechnung Zahlungseingang bestätigen Unterlagen anfordern und für "
    "fehlende Angaben vor Lieferung an Sachbearbeiter Bonitätsprüfung Auftragsbestätigung durch Versicherungsnehmer "
    "ausstellen",
    "French": "vérifier la demande du client et envoyer les documents manquants pour validation par le "
    "responsable avant expédition de la facture contrat paiement confirmation dossier",
    "Russian": "проверить заявку клиента и отправить недостающие документы для подтверждения оплаты перед отгрузкой "
    "договора счёт руководителю запросить сведения",
    "Greek": "έλεγχος της αίτησης του πελάτη και αποστολή εγγράφων για έγκριση πριν την πληρωμή τιμολογίου επιβεβαίωση",
}
WAYS = ((3, 20), (4, 25), (5, 20), (6, 15), (7, 10), (8, 6), (9, 4))
"""Words and how often, in a hundred."""


def titles(count: int, seed: int = 1) -> Iterator[str]:
    """Generated titles, the same for the same seed."""
    source = random.Random(seed)
    lengths, weights = zip(*WAYS, strict=True)
    for index in range(count):
        words = WORDS[list(WORDS)[index % len(WORDS)]].split()
        text = " ".join(source.sample(words, source.choices(lengths, weights)[0]))
        yield text[:1].upper() + text[1:]


def generated(count: int = 2000) -> Iterator[m.Definition]:
    """The titles on tasks, decisions and the branches that they lead to."""
    for index, text in enumerate(titles(count)):
        inner = m.Task(f"task-{index}", "Ask", roles=("underwriter",))
        step = m.Decision(f"if-{index}", (m.Branch(m.Get("ready"), (inner,)),))
        named = {inner.id: m.StepMeta(title=text)}
        if index % 3 == 0:
            named[step.id] = m.StepMeta(title=text, labels={"0": text})
        yield m.Definition("Generated", (step,), meta=m.Meta(steps=named))


def labels(diagram: Diagram) -> Iterator[tuple[str, bool]]:
    """Each text that a picture shows, and whether it was cut."""
    for node in diagram.nodes:
        if node.title_lines:
            yield f"{node.title} | {node.subtitle}", "…" in "".join((*node.title_lines, *node.detail_lines))
    for edge in diagram.edges:
        if edge.label:
            yield edge.label, "…" in "".join(edge.label_lines)


def cut(definitions: Iterable[m.Definition]) -> tuple[int, list[str]]:
    """How many labels there are, and those that were cut."""
    found = [label for known in definitions for label in labels(measure(project(known)))]
    return len(found), [text for text, short in found if short]


def natural() -> Iterator[m.Definition]:
    """What others wrote."""
    for file in sorted(NATURAL.glob("*.py")):
        yield from (workflow.definition for workflow in load_workflows(file))


def main() -> int:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print what was cut")
    options = parser.parse_args()
    for name, definitions in (("gallery", GALLERY.values()), ("natural", natural()), ("generated", generated())):
        count, short = cut(definitions)
        print(f"{name}: {len(short)} of {count} labels cut, {100 * len(short) / max(1, count):.1f} %")
        for text in short if options.show else ():
            print(f"  {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
