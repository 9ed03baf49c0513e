"""The history of the schema of the SQL stores, as Alembic migrations; :mod:`..migrate` runs them."""
