"""A flat folder of pictures with their labels in labels.csv."""

import os

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
        ("image,kind\n0.png,cat\n", r"labels\.csv lacks the column label: its first"),
        ("0.png,cat\n1.png,dog\n", "lacks the column image and label"),
        (GOOD + '"' + 140_000 * "x", r"row 6: not CSV: field larger"),
        ("", "lacks the column image and label"),
        (GOOD + "0.png,dog\n", r"labels\.csv, row 6: 0\.png is there twice"),
        (GOOD + ".\\0.png,dog\n", r"row 6: 0\.png is there twice"),
        ("image,label\n0.png,\n", "row 2: the image or its label is empty"),
        ("image,label\n0.png,cat\n1.png\n", "row 3: the image or its label is empty"),
        ("image,label\n,cat\n", "row 2: the image or its label is empty"),
        (b"\xef\xbb\xbf" + GOOD.encode("latin-1"), "not a CSV table in UTF-8, UTF-16"),
        (
            GOOD.encode("utf-16")[:-1],
            r"labels\.csv is not a CSV table in UTF-8, UTF-16",
        ),
        ("image,label\n9.png,cat\n", "names none of the pictures"),
        ("image,label\n0.jpg,cat\n", "names none of the pictures"),
        (GOOD + "0,dog\n", r"row 6: 0\.png is there twice"),
        ("image,label\n", "names none of the pictures"),
    ],
)
def test_a_wrong_table_says_what_and_where(load, table, message):
    with pytest.raises(ValueError, match=message):
        load(table)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_and_separator(load, separator, encoding, end):
    table = GOOD.replace(",", separator).replace("\n", end).encode(encoding)
    assert load(table).true_names == ["cat", "dog", "cat", "Käfer"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_windows_1252_is_read_and_said(load, separator):
    table = GOOD.replace(",", separator).replace("dog", "50 €").encode("cp1252")
    with pytest.warns(UserWarning, match=r"labels\.csv is not UTF-8 .* Windows-1252"):
        found = load(table)
    assert found.true_names == ["cat", "50 €", "cat", "Käfer"]


@pytest.mark.parametrize("image", ["image", "File", "FILENAME", " path "])
@pytest.mark.parametrize("label", ["label", "Class", "CATEGORY"])
def test_names_of_the_columns(load, image, label):
    found = load(GOOD.replace("image,label", f"{image},{label}"))
    assert found.true_names == ["cat", "dog", "cat", "Käfer"]


def test_of_two_columns_the_usual_name_counts(load):
    rows = "path,image,class,label\nx,0.png,no,cat\nx,1.png,no,dog\n"
    assert load(rows).true_names == ["cat", "dog"]


def test_numbers_stay_as_they_are_written(load):
    found = load("image,label\n0.png,01\n1.png,1\n2.png,1.0\n3.png,1e3\n")
    assert found.true_names == ["01", "1", "1.0", "1e3"]


@pytest.mark.parametrize(
    "name",
    [
        *("1.png", "1", "b/1.png", "b/1", "x/b/1.png", "C:\\all\\x\\b\\1.png"),
        *("/home/x/b/1.png", "B/1.PNG", "set/x/b/1"),
    ],
)
def test_a_name_with_or_without_folders_and_suffix(load, name):
    files = {"x/b/1.png": PICTURES["1.png"], "x/a/2.png": PICTURES["2.png"]}
    found = load(f"image,label\n{name},cat\nx/a/2.png,dog\n", files)
    assert found.images == ("x/a/2.png", "x/b/1.png")
    assert found.true_names == ["dog", "cat"]


@pytest.mark.parametrize(
    ("name", "two"),
    [
        ("1.png", "a/1.png or b/1.png"),
        ("2", "a/2.jpg or a/2.png"),
        ("a/2", "a/2.jpg or a/2.png"),
    ],
)
def test_a_name_that_may_be_two_pictures_is_refused(load, name, two):
    names = ("a/1.png", "b/1.png", "a/2.jpg", "a/2.png")
    files = dict(zip(names, PICTURES.values(), strict=True))
    with pytest.raises(
        ValueError, match=f"row 2: {name} may be {two}: write the whole"
    ):
        load(f"image,label\n{name},cat\n", files)


def test_a_picture_of_another_folder_is_not_meant(load):
    files = {"dogs/1.png": PICTURES["1.png"], "dogs/2.png": PICTURES["2.png"]}
    found = load("image,label\ncats/1.png,cat\ndogs/2.png,dog\n", files)
    assert found.images == ("dogs/2.png",)
    assert ("cats/1.png", "in labels.csv, but not here") in found.problems


def test_cluster_labels_of_a_comparison_are_no_true_labels(load):
    rows = "image,true_label,raw/kmeans/k2/s0\n0.png,,1\n1.png,,0\n"
    with pytest.warns(UserWarning, match=r"labels\.csv holds the cluster labels of a"):
        found = load(rows)
    assert found.true_labels is None and len(found) == 4


def test_a_labels_csv_that_is_a_pipe(load, tmp_path):
    load(GOOD)
    (tmp_path / "labels.csv").unlink()
    os.mkfifo(tmp_path / "labels.csv")
    with pytest.raises(ValueError, match=r"labels\.csv is not a file that can be read"):
        datasets.load(tmp_path, progress=False)
