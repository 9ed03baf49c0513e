"""PostgreSQL: a store for many processes on many machines. ``postgresql://user@host:5432/database?schema=armillary``.

The tables lie in a schema of their own. Needs ``pip install 'armillary[postgresql]'``; no other store imports the
driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...clock import Clock
from ...definition.problems import ArmillaryError

if TYPE_CHECKING:
    from .backend import PostgresqlBackend


def open_backend(url: str, *, clock: Clock | None = None) -> PostgresqlBackend:
    """Opens the store of a ``postgresql://`` URL; makes its tables when they are missing."""
    try:
        from .backend import PostgresqlBackend
    except ImportError as error:
        message = f"expected the PostgreSQL driver psycopg, got none: {error}"
        raise ArmillaryError("store.driver", message, hint="pip install 'armillary[postgresql]'") from None
    return PostgresqlBackend(url, clock=clock)
