"""Expressions: text ⇄ syntax tree, functions, evaluation, analysis."""

from .analysis import children, functions_of, paths_of, roots_of
from .checking import check
from .conversion import Reading, convert
from .evaluate import Evaluator, UnknownFunctionError, compile_expression
from .failure import Budget, ExpressionFailure
from .functions import CORE, Function, FunctionError, Functions, Parameter, user_function
from .parsing import ExpressionSyntaxError, parse
from .printing import text

__all__ = [
    "CORE", "Budget", "Evaluator", "ExpressionFailure", "ExpressionSyntaxError", "Function", "FunctionError",
    "Functions", "Parameter", "Reading", "UnknownFunctionError", "check", "children", "compile_expression", "convert",
    "functions_of", "parse", "paths_of", "roots_of", "text", "user_function",
]  # fmt: skip
