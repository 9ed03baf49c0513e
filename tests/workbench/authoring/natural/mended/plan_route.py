"""A tour over stops: zip, enumerate, reversed, running totals."""

from decimal import Decimal

from armillary import call, workflow


@workflow
def plan_route(depot: str, stops: list[str], max_km: Decimal = Decimal(400)):
    order = [depot, *stops, depot]
    legs = []
    total = Decimal("0")
    for start, end in zip(order, order[1:]):
        leg = call("maps/distance", start=start, end=end)
        total += leg["km"]
        legs.append({"from": start, "to": end, "km": leg["km"], "total": total})
    if total > max_km:
        longest = sorted(legs, key=lambda leg: leg["km"], reverse=True)[0]
        return {"ok": False, "drop": longest["to"], "over": total - max_km}
    names = " → ".join(f"{i}. {leg['to']}" for i, leg in enumerate(legs, 1))
    return {"ok": True, "legs": legs, "back": list(reversed(stops)), "names": names, "km": total}
