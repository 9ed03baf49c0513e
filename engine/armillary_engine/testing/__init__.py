"""For tests: the suite that every store must pass, and a clock that obeys."""
