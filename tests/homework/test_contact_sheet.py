"""The picture of an image set: drawn within its bounds, and read without trust."""

import io
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from conftest import encode, picture_bytes
from PIL import Image
from sample_submissions import unpack, zipped
from small_sets import coloured

from course_utils.homework import contact_sheet
from course_utils.homework.submission_file import BadSubmission, read_submission
from course_utils.images import datasets


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def noise_set(n, n_classes, size=64):
    generator = np.random.default_rng(0)
    files = {
        f"{i}.png": encode(generator.integers(0, 256, (size, size, 3), dtype=np.uint8))
        for i in range(min(n, 40))
    }
    whole = datasets.from_bytes("noise", files, dict.fromkeys(files, "x"))
    chosen = whole.subset(np.arange(n) % len(whole))
    names = tuple(f"class {i:03}" for i in range(n_classes))
    return replace(chosen, true_labels=np.arange(n) % n_classes, class_names=names)


def test_every_class_has_its_name_and_its_pictures():
    drawn = contact_sheet.draw(coloured(5))
    image = opened(drawn)
    assert image.format == "JPEG" and len(drawn) <= contact_sheet.MAX_BYTES
    pixels = np.asarray(image.convert("RGB")).astype(int)
    cell = contact_sheet.CELLS[0]
    # blue, green and red, in the order of their names, each below its header
    for place, channel in enumerate((2, 1, 0)):
        top = place * (contact_sheet.HEADER + cell) + contact_sheet.HEADER
        middle = pixels[top + 7, 7]
        assert middle.argmax() == channel, place
    assert (pixels[: contact_sheet.HEADER].min(axis=2) < 100).any()  # the name


@pytest.mark.parametrize(
    ("n", "n_classes"), [(1, 1), (2, 2), (300, 3), (5000, 2), (600, 200)]
)
def test_it_stays_within_its_bounds(n, n_classes):
    drawn = contact_sheet.draw(noise_set(n, n_classes))
    assert max(opened(drawn).size) <= contact_sheet.MAX_SIDE
    assert contact_sheet.checked(drawn)
    assert drawn == contact_sheet.draw(noise_set(n, n_classes))


def test_what_we_draw_is_shown_anew_encoded():
    drawn = contact_sheet.draw(coloured(5))
    again = contact_sheet.checked(drawn + b"<script>alert(1)</script>")
    assert b"script" not in again and opened(again).size == opened(drawn).size
    talkative = picture_bytes(
        format="JPEG", comment=b"evil <?php", exif=b"Exif\0\0evil", icc_profile=b"evil"
    )
    assert talkative.count(b"evil") == 3
    assert b"evil" not in contact_sheet.checked(talkative)
    for mode in ("L", "CMYK"):
        assert opened(contact_sheet.checked(picture_bytes(mode, format="JPEG")))


def hostile():
    """{what: (bytes, reason)}"""
    jpeg = picture_bytes(format="JPEG")
    start = jpeg.index(b"\xff\xc0")  # the frame's header: height and width are in it
    huge = bytearray(jpeg)
    huge[start + 5 : start + 9] = struct.pack(">2H", 65_535, 65_535)
    wide = bytearray(jpeg)
    wide[start + 5 : start + 9] = struct.pack(">2H", 16, 2049)
    progressive = picture_bytes(format="JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    jpeg_after = b"GIF89a" + jpeg
    return {
        "nothing": (b"", "not a JPEG"),
        "a text": (b"<svg onload=alert(1)>", "not a JPEG"),
        "a PNG": (picture_bytes(), "not a JPEG"),
        "a GIF": (picture_bytes("P", format="GIF"), "not a JPEG"),
        "a TIFF": (picture_bytes(format="TIFF"), "not a JPEG"),
        "a WebP": (picture_bytes(format="WEBP"), "not a JPEG"),
        "a JPEG after something": (jpeg_after, "not a JPEG"),
        "the first bytes alone": (jpeg[:3], "a damaged JPEG"),
        "cut off": (jpeg[: len(jpeg) // 2], "a damaged JPEG"),
        "a header of 65,535 pixels a side": (bytes(huge), "65535 × 65535 pixels"),
        "one pixel too wide": (bytes(wide), "2049 × 16 pixels; at most 2048"),
        "progressive": (progressive, "JPEG"),
        "50,000 scans": (progressive[:-2] + scan * 500 + b"\xff\xd9", "many scans"),
        "too large": (jpeg + bytes(1024**2), "larger than 1 MB"),
        "zeros": (b"\xff\xd8\xff" + bytes(1000), "a damaged JPEG"),
        "markers alone": (b"\xff\xd8\xff" + b"\xff\xe0\0\2" * 1000, "a damaged JPEG"),
    }


@pytest.mark.parametrize("what", hostile())
def test_a_bad_picture_is_a_note_and_not_the_loss_of_the_submission(supplied, what):
    data, reason = hostile()[what]
    with pytest.raises(contact_sheet.BadSheet, match=reason):
        contact_sheet.checked(data)
    sent = read_submission(with_sheet(supplied, data))
    assert sent.contact_sheet is None and len(sent.runs) > 1
    (note,) = sent.notes
    assert note.startswith("the contact sheet is left out: ") and note.isprintable()
    assert reason in note


def with_sheet(submission, data, **more):
    manifest, labels = unpack(submission)
    members = {"manifest.json": json.dumps(manifest), "labels.csv": labels}
    return zipped(members | {contact_sheet.NAME: data} | more)


def test_a_damaged_member_is_a_note_too(supplied):
    data = bytearray(supplied)
    at = data.index(b"\xff\xd8\xff")
    data[at + 500] ^= 255  # so that the checksum is wrong
    sent = read_submission(bytes(data))
    assert sent.contact_sheet is None and "left out: Bad CRC" in sent.notes[0]
    bomb = with_sheet(supplied, b"\xff\xd8\xff" + bytes(50_000_000))
    assert "larger than 1 MB" in read_submission(bomb).notes[0]


@pytest.mark.parametrize("name", ["contact_sheet.png", "x.jpg", "CONTACT_SHEET.JPG"])
def test_no_other_member_is_accepted(supplied, name):
    _, labels = unpack(supplied)
    picture = picture_bytes(format="JPEG")
    members = {"manifest.json": "{}", "labels.csv": labels, name: picture}
    with pytest.raises(BadSubmission, match="holds 3 files"):
        read_submission(zipped(members))
    with pytest.raises(BadSubmission, match="holds 4 files"):
        read_submission(with_sheet(supplied, picture, **{name: picture}))


def test_two_contact_sheets_are_refused(supplied):
    picture = picture_bytes(format="JPEG")
    twice = with_sheet(supplied, picture, **{"contact_sheet.jpx": picture})
    twice = twice.replace(b"contact_sheet.jpx", b"contact_sheet.jpg")
    with pytest.raises(BadSubmission, match="holds 4 files"):
        read_submission(twice)
