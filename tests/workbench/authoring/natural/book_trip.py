"""A saga: what was booked is given back when a later booking fails."""

from armillary import Failure, call, compensate, workflow


@workflow(version="1.0.0")
def book_trip(customer: str, destination: str, nights: int = 3) -> dict:
    """Book a trip."""
    flight = call("airline/book", customer=customer, to=destination)
    with compensate():
        call("airline/cancel", booking=flight["id"])
    hotel = call("hotel/book", customer=customer, city=destination, nights=nights)
    with compensate():
        call("hotel/cancel", booking=hotel["id"])
    try:
        car = call("cars/rent", customer=customer, days=nights)
    except Failure("failure.no-cars"):
        car = None
    return {"flight": flight["id"], "hotel": hotel["id"], "car": car["id"] if car else None}
