"""Somebody else's text is made fit for a message, a page and a spreadsheet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils._support.text import BIDIRECTIONAL, cell, plain, shown


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "|x",
        "%x",
        "\xa0=1",
    ],
)
def test_no_cell_is_a_formula(text):
    assert cell(text).startswith("'") and cell("\u202e\x00" + text).startswith("'")
    assert cell("a" + text).startswith("a")


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
@settings(max_examples=300, deadline=None)
def test_text_is_made_fit_to_be_shown(text):
    """Surrogates too: these do come, from JSON and from file names."""
    assert plain(text).encode("utf-8").isascii() or not text.isascii()
    assert not BIDIRECTIONAL & set(plain(text))
    assert len(plain(text, most=5)) <= 5
    assert shown(text).isprintable() and len(shown(text)) <= 60
    assert not cell(text).lstrip().startswith(("=", "+", "-", "@", "|", "%"))


def test_a_name_cannot_turn_the_text_round():
    assert plain("Anna\u202egpj.exe\u2066\x1b[31m\x00") == "Annagpj.exe[31m"
    assert plain("a\nb\tc", keep="\n") == "a\nbc"
    assert plain("Zoë \ud83d", most=5) == "Zoë ?"
    assert shown("a\u202eb") == "'a\\u202eb'"


@pytest.mark.parametrize(
    ("text", "safe"),
    [("x;=1+1", "x;'=1+1"), ("a\n@b", "a\n'@b"), ("a; b, c", "a; b, c")],
)
def test_a_cell_is_no_formula_where_semicolons_part_the_cells(text, safe):
    assert cell(text) == safe
