import pytest
from armillary.tables import Table, printable, text_table


def table(*names: str) -> Table[str]:
    return Table(names, ["name", "length"], rows=[[name, str(len(name))] for name in names], empty="no names")


def test_columns_line_up_and_lines_end_without_blanks():
    shown = text_table(["id", "title"], [["1", "short"], ["1000", ""]])
    assert shown == "id    title\n1     short\n1000"


def test_wide_characters_count_as_two_cells():
    first, second = text_table(["a", "b"], [["日本", "x"]]).split("\n")
    assert (first, second) == ("a     b", "日本  x")


def test_a_table_is_a_sequence():
    names = table("ann", "bob")
    assert (len(names), names[1], list(names[:1])) == (2, "bob", ["ann"])
    assert names[-1:]._repr_html_().count("<tr>") == 2


def test_an_empty_table_says_so():
    assert repr(table()) == "no names"
    assert "no names" in table()._repr_html_()
    with pytest.raises(IndexError, match="got 0; there are no names"):
        table()[0]


def test_html_is_escaped():
    shown = table("<script>alert(1)</script>", "a & b")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "a &amp; b" in shown


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\nb", "\u202eevil", "\x9b31m", "\u2028"])
def test_text_cannot_take_over_a_terminal(hostile):
    shown = printable(hostile)
    assert shown.isprintable()
    assert "\n" not in text_table(["x"], [[hostile]]).split("\n", 1)[1]
