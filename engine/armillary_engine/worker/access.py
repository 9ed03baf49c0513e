"""Who may operate the instances of a definition, and why they say they do."""

from __future__ import annotations

from ..definition.problems import ArmillaryError
from ..ids import check_text
from ..runtime import Caller
from .programs import Programs

REASON_LIMIT = 10_000


def check_reason(reason: str) -> str:
    """What an operator says of why, if every store can keep it: a request that none could take would lie with the dead
    letters. Raises ``operate.reason-invalid``."""
    return check_text(reason, "a reason", code="operate.reason-invalid", at_most=REASON_LIMIT, empty=True)


def expect_operator(programs: Programs, digest: str | None, caller: Caller, what: str) -> None:
    """Raises ``operate.not-allowed`` for a caller with roles of which the definition's ``access.operate`` names none.
    ``digest=None``: what belongs to no definition is for trusted callers."""
    if caller.roles is None:
        return
    allowed = () if digest is None else programs.definition(digest).access.operate
    if not caller.roles & set(allowed):
        message = f"expected one of the roles {', '.join(allowed) or '(nobody)'} to {what}"
        raise ArmillaryError("operate.not-allowed", message)
