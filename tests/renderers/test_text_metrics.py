"""Where a text wraps, and that no line begins in the middle of what a reader takes for one sign."""

from __future__ import annotations

import pytest
from armillary_renderers.svg.text_metrics import ELLIPSIS, text_width, wrap
from hypothesis import given
from hypothesis import strategies as st

WHOLE = ("👩‍💻", "👍🏽", "🇩🇪", "e\u0301", "❤️", "句。")
"""A sequence with a joiner, a skin, a flag, a letter and its mark, a variant, the end of a sentence."""


@given(st.lists(st.sampled_from((*WHOLE, "a", "契", "WW", " ")), min_size=1, max_size=30), st.integers(50, 120))
def test_no_line_begins_within_a_sign(parts: list[str], width: int) -> None:
    text = "".join(parts).strip()
    lines = wrap(text, 13, width, most=60)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines[1:]:
        assert line[0] not in "\u200d🏽\u0301\ufe0f。💻🇪", lines


@pytest.mark.parametrize("sign", WHOLE)
def test_what_is_cut_is_cut_between_signs(sign: str) -> None:
    for width in range(60, 120):
        (line,) = wrap(sign * 40, 13, width, most=1)
        assert line.endswith(ELLIPSIS)
        kept = line.removesuffix(ELLIPSIS)
        assert kept == sign * (len(kept) // len(sign))
        assert kept


@given(st.text(max_size=60), st.integers(40, 200), st.booleans())
def test_no_line_is_wider_than_it_may_be(text: str, width: int, bold: bool) -> None:
    lines = wrap(text, 13, width, bold)
    assert len(lines) <= 3
    for line in lines:
        assert text_width(line, 13, bold) <= width or len(line.strip()) == 1 or "\u200d" in line, line


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap("Check the cover of this policy", 13, 120) == ("Check the cover", "of this policy")
    assert wrap("payments.settle_claim/overdue", 13, 100)[0].endswith((".", "_", "/"))
