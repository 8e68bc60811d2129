"""adjustments.csv: what an instructor changes by hand, read and applied."""

import pytest

from course_utils.homework.grading.adjustments import (
    COLUMNS,
    Adjustment,
    load_adjustments,
)


def written(path, *rows, header=COLUMNS, separator=","):
    path.write_text(
        "\n".join(separator.join(row) for row in (header, *rows)), encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_column_is_read(tmp_path, separator):
    point = "2.5" if separator == "," else "2,5"
    path = written(
        tmp_path / "a.csv",
        ("ab123", "2", "", "", point, "b.zip", "illness"),
        ("", "", "", "", "", "", ""),
        ("cd", "", "yes", "", "", "", ""),
        ("AB123", "", "", "40", "-1", "", "appeal"),
        separator=separator,
    )
    first, second, third = load_adjustments(path)
    assert first == Adjustment("ab123", 2, False, None, 2.5, "b.zip", "illness", 2)
    assert second.excused and second.sentence == "excused."
    assert (third.points_set, third.points_added) == (40, -1)
    assert third.sentence == "points set to 40, −1 points: appeal"
    assert first.sentence == (
        "2 days more time, +2.5 points, the file that counts is b.zip: illness"
    )


def test_changes_are_applied_in_turn_and_never_below_0():
    assert Adjustment("a", points_added=5).apply(10) == 15
    assert Adjustment("a", points_added=-50).apply(10) == 0
    assert Adjustment("a", points_set=0).apply(10) == 0
    assert Adjustment("a", points_set=7, points_added=1).apply(10) == 8
    assert Adjustment("a", extension_days=3).apply(10) == 10


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("", "2"), "row 2: student_id is missing"),
        (("a", "two"), "row 2: extension_days is 'two': write a number, 0 or more"),
        (("a", "-1"), "extension_days is '-1'"),
        (("a", "", "maybe"), "excused is 'maybe': write yes"),
        (("a", "", "", "-3"), "set_points is '-3'"),
        (("a", "", "", "", "nan"), "add_points is 'nan': write a number."),
        (("a", "", "", "", "1e999"), "add_points is '1e999'"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, words):
    path = written(tmp_path / "a.csv", row)
    with pytest.raises(ValueError) as raised:
        load_adjustments(path)
    assert words in str(raised.value) and str(path) in str(raised.value)


@pytest.mark.parametrize("header", [("name", "comment"), ("student_id", "extensions")])
def test_other_columns_are_refused(tmp_path, header):
    path = written(tmp_path / "a.csv", ("a", "1"), header=header)
    with pytest.raises(ValueError, match="its columns are student_id, extension_days"):
        load_adjustments(path)
