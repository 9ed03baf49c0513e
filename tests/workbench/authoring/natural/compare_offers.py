"""Ask all carriers at once, take the best three."""

from decimal import Decimal

from armillary import Failure, call, each, workflow
from pydantic import BaseModel


class Offer(BaseModel):
    carrier: str
    price: Decimal
    days: int


@workflow
def compare_offers(parcel_id: str, weight: Decimal, carriers: list[str]) -> list[Offer]:
    offers = []
    for carrier in each(carriers, parallel=5):
        try:
            offer = call(f"{carrier}/offer", parcel=parcel_id, weight=weight, reply=Offer)
        except Failure:
            continue
        offers.append(offer)

    affordable = [o for o in offers if o.price <= 100 and o.days < 7]
    best = sorted(affordable, key=lambda o: (o.price, o.days))[:3]
    for rank, offer in enumerate(best, start=1):
        call("log/write", text=f"{rank}. {offer.carrier:<10} {offer.price:>8.2f}")
    return best
