"""Did you mean …?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(got: str, known: Iterable[str]) -> str:
    """``did you mean 'premium'?``, or an empty text when nothing known is like ``got``."""
    candidates = list(known)
    by_fold = {candidate.casefold(): candidate for candidate in candidates}
    near = difflib.get_close_matches(got.casefold(), by_fold, n=1, cutoff=0.6)
    return f"did you mean {by_fold[near[0]]!r}?" if near else ""
