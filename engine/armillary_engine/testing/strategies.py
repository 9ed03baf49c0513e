"""Hypothesis strategies: values, expressions, and definitions that validate without an error."""

from .definition_strategies import KINDS, definitions
from .value_strategies import expressions, identifiers, numbers, paths, scalars, texts, values

__all__ = ["KINDS", "definitions", "expressions", "identifiers", "numbers", "paths", "scalars", "texts", "values"]
