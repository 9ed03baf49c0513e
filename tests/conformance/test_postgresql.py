from collections.abc import Callable

import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.testing import conformance

from .holding_postgresql import holding


@pytest.mark.require("postgresql")
@pytest.mark.parametrize("case", conformance.CASES, ids=conformance.name)
def test_contract(case: conformance.Case, postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    conformance.run(case, lambda clock: open_backend(url, clock=clock), holding(url))
