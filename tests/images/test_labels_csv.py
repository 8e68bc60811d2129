"""A flat folder of pictures with their labels in labels.csv."""

import pytest
from conftest import picture_bytes

from course_utils.images import datasets

PICTURES = {f"{i}.png": picture_bytes(size=(24, 16), seed=i) for i in range(4)}
GOOD = "image,label\n0.png,cat\n1.png,dog\n2.png,cat\n3.png,Käfer\n"


@pytest.fixture
def load(tmp_path):
    """load(table, files) the folder that holds them."""

    def with_table(table, files=PICTURES):
        for image, data in files.items():
            (tmp_path / image).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / image).write_bytes(data)
        table = table if isinstance(table, bytes) else table.encode()
        (tmp_path / "labels.csv").write_bytes(table)
        return datasets.load(tmp_path, progress=False)

    return with_table


def test_labels_without_captions(load):
    found = load(GOOD)
    assert found.images == tuple(PICTURES)
    assert found.true_names == ["cat", "dog", "cat", "Käfer"]
    assert found.class_names == ("Käfer", "cat", "dog")
    assert (found.captions, found.problems) == (None, ())


def test_captions_columns_in_any_order_and_further_ones(load):
    rows = 'caption,label,who,image\n"a cat, asleep",cat,me,0.png\n,dog,me,1.png\n'
    found = load(rows + "third,cat,me,2.png\nfourth,cat,me,3.png\n")
    assert found.true_names == ["cat", "dog", "cat", "cat"]
    assert found.captions == ("a cat, asleep", "", "third", "fourth")


@pytest.mark.parametrize(
    "table",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),  # Excel begins with a byte order mark
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\n\n"),
        GOOD.replace("0.png,cat", "./0.png , cat"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
    ],
    ids=["byte order mark", "CRLF", "blank lines", "spaces and ./", "; ", "tabs"],
)
def test_what_programs_make_of_a_table(load, table):
    found = load(table)
    assert found.images == tuple(PICTURES)
    assert found.true_names == ["cat", "dog", "cat", "Käfer"]


def test_paths_of_windows_and_subfolders_that_are_no_classes(load):
    files = {"x/0.png": PICTURES["0.png"], "y/z/1.png": PICTURES["1.png"]}
    found = load("image,label\nx\\0.png,cat\ny/z\\1.png,dog\n", files)
    assert found.images == ("x/0.png", "y/z/1.png")
    assert found.true_names == ["cat", "dog"]


def test_rows_without_picture_and_pictures_without_row_are_named(load):
    found = load("image,label\n0.png,cat\n9.png,cat\n2.png,dog\n")
    assert found.images == ("0.png", "2.png")
    assert found.problems == (
        ("1.png", "has no row in labels.csv"),
        ("3.png", "has no row in labels.csv"),
        ("9.png", "in labels.csv, but not here"),
    )


def test_a_bad_picture_with_a_row_is_named(load):
    found = load(GOOD, PICTURES | {"1.png": b"text"})
    assert [image for image, _ in found.problems] == ["1.png"]
    assert found.true_names == ["cat", "cat", "Käfer"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("image,class\n0.png,cat\n", r"labels\.csv lacks the column label: its first"),
        ("0.png,cat\n1.png,dog\n", "lacks the column image and label"),
        (GOOD + '"' + 140_000 * "x", r"row 6: not CSV: field larger"),
        ("", "lacks the column image and label"),
        (GOOD + "0.png,dog\n", r"labels\.csv, row 6: 0\.png is there twice"),
        (GOOD + ".\\0.png,dog\n", r"row 6: 0\.png is there twice"),
        ("image,label\n0.png,\n", "row 2: the image or its label is empty"),
        ("image,label\n0.png,cat\n1.png\n", "row 3: the image or its label is empty"),
        ("image,label\n,cat\n", "row 2: the image or its label is empty"),
        (GOOD.encode("latin-1"), r"labels\.csv is not a CSV table in UTF-8"),
        (GOOD.encode("utf-16"), r"labels\.csv is not a CSV table in UTF-8"),
        ("image,label\nfoto/0.png,cat\n", "names none of the pictures"),
        ("image,label\n", "names none of the pictures"),
    ],
)
def test_a_wrong_table_says_what_and_where(load, table, message):
    with pytest.raises(ValueError, match=message):
        load(table)
