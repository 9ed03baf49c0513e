"""How those who share a store hear of each other's commits, behind :class:`armillary_engine.backend.Wake`."""
