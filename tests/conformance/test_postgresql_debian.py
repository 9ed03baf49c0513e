"""The suite on the machine's own PostgreSQL (Debian 12: 15), beside the wheel's."""

from collections.abc import Callable

import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.testing import conformance

from .holding_postgresql import holding


@pytest.mark.require("postgresql", "postgresql-debian")
@pytest.mark.parametrize("case", conformance.CASES, ids=conformance.name)
def test_contract(case: conformance.Case, debian_store: Callable[[], str]) -> None:
    url = debian_store()
    conformance.run(case, lambda clock: open_backend(url, clock=clock), holding(url))
