"""Procurement: quotes from suppliers, the cheapest one wins."""

from armillary import call, collect, task, workflow


@workflow
def order_supplies(item: str, quantity: int, suppliers: list[str]) -> dict:
    quotes = []
    for supplier in suppliers:
        quote = call("suppliers/quote", supplier=supplier, item=item, quantity=quantity)
        quotes.append({"supplier": supplier, "price": quote["price"]})
    best = sorted(quotes, key=lambda q: q["price"])[0]
    approval = task("ApprovePurchase", roles=["procurement"], payload=best)
    if approval["ok"]:
        order = call("suppliers/order", arguments=best)
        return order
    return {}
