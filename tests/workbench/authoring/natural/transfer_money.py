"""A transfer with try, except and finally."""

from decimal import Decimal

from armillary import call, workflow


@workflow
def transfer(source: str, target: str, amount: Decimal) -> None:
    lock = call("ledger/lock", account=source)
    try:
        call("ledger/debit", account=source, amount=amount)
        call("ledger/credit", account=target, amount=amount)
    finally:
        call("ledger/unlock", lock=lock)
