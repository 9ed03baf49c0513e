"""Logistics: a dictionary of routes, tuples, string methods, nested conditions."""

from armillary import call, fail, task, workflow
from typing_extensions import TypedDict


class Parcel(TypedDict):
    id: str
    weight: float
    country: str
    fragile: bool


@workflow
def plan_delivery(parcel: Parcel, express: bool = False) -> str:
    country = parcel["country"].strip().upper()
    carriers = {"DE": "post", "FR": "poste"}
    carrier = carriers.get(country, "world")
    weight, unit = parcel["weight"], "kg"
    cost = 5 if weight < 1 else 9 if weight < 5 else 20
    if express and not parcel["fragile"]:
        cost = int(cost * 1.5)
    try:
        label = call("carrier/label", carrier=carrier, parcel=parcel["id"], weight=f"{weight} {unit}")
    except Exception as error:
        task("LabelByHand", roles=["warehouse"], payload={"why": str(error), "country": country})
        label = "by hand"
    if not (cost > 0):
        fail("dotted.code", "what is wrong")
    return label
