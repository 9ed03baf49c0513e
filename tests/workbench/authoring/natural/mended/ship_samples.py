"""Class with constants, keyword helpers, default arguments, nested data."""

from dataclasses import dataclass
from decimal import Decimal

from armillary import call, fragment, task, workflow


class Limits:
    MAX_WEIGHT = Decimal("31.5")
    MAX_BOXES = 20


@dataclass(frozen=True)
class Sample:
    id: str
    grams: int
    cold: bool = False


@fragment
def weight_of(samples: list[Sample], packaging: int = 120) -> Decimal:
    return Decimal(sum(s.grams + packaging for s in samples)) / 1000


@workflow
def ship_samples(samples: list[Sample], country: str = "DE"):
    cold = [s for s in samples if s.cold]
    warm = [s for s in samples if not s.cold]
    parcels = []
    for kind, group in (("cold", cold), ("warm", warm)):
        if len(group) == 0:
            continue
        weight = weight_of(group, packaging=300 if kind == "cold" else 120)
        if weight > Limits.MAX_WEIGHT or len(group) > Limits.MAX_BOXES:
            task("SplitParcel", roles=["logistics"], payload={"kind": kind, "weight": weight})
        customs = None
        if country.upper() not in {"DE", "AT", "FR"}:
            customs = call("customs/declare", ids=[s.id for s in group], country=country)
        parcel = call("carrier/send", kind=kind, weight=weight, customs=customs["number"] if customs is not None else None)
        parcels.append(parcel["tracking"])
    return parcels if len(parcels) > 0 else "nothing to send"
