"""The stores: one module for each, behind the contract of :mod:`armillary_engine.backend`."""
