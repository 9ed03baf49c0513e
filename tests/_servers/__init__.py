"""Real servers for tests and benchmarks, started here where none is named."""
