"""Decoding: whatever a picture was stored as, out come upright RGB pixels on white."""

import io
import struct
import zlib

import numpy as np
import pytest
from conftest import encode, picture_bytes, pixels
from PIL import Image

from course_utils.images import decoding

RGB = pixels()
GREY = np.asarray(Image.fromarray(RGB).convert("L"))
ALPHA = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))


def three(grey):
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)


def on_white(colours):
    """The colours, as much as ALPHA lets through, over white."""
    share = ALPHA[..., None] / 255
    return colours * share + 255 * (1 - share)


def palette(transparent=None):
    image = Image.fromarray(RGB).quantize(16)
    file = io.BytesIO()
    options = {} if transparent is None else {"transparency": transparent}
    image.save(file, "PNG", **options)
    return file.getvalue(), np.asarray(image), np.asarray(image.convert("RGB"))


def test_a_plain_picture_keeps_its_pixels():
    for format in ("PNG", "BMP", "TIFF"):
        found = decoding.decode(picture_bytes(format=format))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, RGB)
    lossless = picture_bytes(format="WEBP", lossless=True)
    np.testing.assert_array_equal(decoding.decode(lossless), RGB)


def test_grey_and_black_and_white_become_rgb():
    np.testing.assert_array_equal(decoding.decode(picture_bytes("L")), three(GREY))
    bits = GREY > 127
    np.testing.assert_array_equal(decoding.decode(encode(bits)), three(bits * 255))


def test_transparent_parts_become_white():
    rgba = np.dstack([RGB, ALPHA])
    found = decoding.decode(encode(rgba))
    np.testing.assert_allclose(found, on_white(RGB), atol=1.5)
    np.testing.assert_array_equal(found[:, 0], 255)
    np.testing.assert_array_equal(found[:, -1], RGB[:, -1])
    found = decoding.decode(encode(np.dstack([GREY, ALPHA])))  # mode LA
    np.testing.assert_allclose(found, on_white(three(GREY)), atol=1.5)


def test_a_palette_with_and_without_a_transparent_colour():
    data, _, colours = palette()
    np.testing.assert_array_equal(decoding.decode(data), colours)
    data, indices, colours = palette(transparent=3)
    expected = np.where((indices == 3)[..., None], 255, colours)
    assert (indices == 3).any()
    np.testing.assert_array_equal(decoding.decode(data), expected)


def test_rgb_and_grey_with_one_transparent_colour():
    data = picture_bytes(transparency=tuple(RGB[5, 7].tolist()))
    found = decoding.decode(data)
    np.testing.assert_array_equal(found[5, 7], 255)
    hidden = (RGB[5, 7] == RGB).all(axis=2)
    np.testing.assert_array_equal(found[~hidden], RGB[~hidden])
    found = decoding.decode(picture_bytes("L", transparency=int(GREY[5, 7])))
    expected = np.where(GREY[5, 7] == GREY, 255, GREY)
    np.testing.assert_array_equal(found, three(expected))


def test_a_cmyk_jpeg():
    data = picture_bytes("CMYK", format="JPEG", quality=95)
    assert Image.open(io.BytesIO(data)).mode == "CMYK"
    found = decoding.decode(data).astype(int)
    assert np.abs(found - RGB).mean() < 4


def test_deep_grey_is_scaled_not_clipped():
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(decoding.decode(encode(deep)), three(GREY))
    wide = deep.astype(np.int32)
    np.testing.assert_array_equal(decoding.decode(encode(wide, "TIFF")), three(GREY))
    dark = GREY.astype(np.int32)  # 8-bit values in 32 bits
    np.testing.assert_array_equal(decoding.decode(encode(dark, "TIFF")), three(GREY))


@pytest.mark.parametrize("look", [decoding.check, decoding.decode])
def test_floating_point_is_refused(look):
    with pytest.raises(decoding.BadPicture, match="floating point: save it as 8-bit"):
        look(encode(GREY.astype(np.float32), "TIFF"))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(format):
    red, blue = (Image.new("RGB", (9, 7), colour) for colour in ("red", "blue"))
    file = io.BytesIO()
    options = {"lossless": True} if format == "WEBP" else {}
    red.save(file, format, save_all=True, append_images=[blue], **options)
    assert Image.open(file).n_frames == 2
    found = decoding.decode(file.getvalue())
    np.testing.assert_array_equal(found, np.full((7, 9, 3), (255, 0, 0)))


STORED_AS = {  # EXIF orientation: how an upright picture was laid down
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, -1),
}


@pytest.mark.parametrize("orientation", STORED_AS)
def test_every_exif_orientation_is_turned_upright(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    stored = STORED_AS[orientation](RGB)
    np.testing.assert_array_equal(decoding.decode(encode(stored, exif=exif)), RGB)
    jpeg = decoding.decode(encode(stored, "JPEG", exif=exif, quality=95)).astype(int)
    assert jpeg.shape == RGB.shape
    assert np.abs(jpeg - RGB).mean() < 4


def test_a_damaged_exif_block_harms_no_pixel():
    exif = Image.Exif()
    exif[0x112] = 6
    data = picture_bytes(format="WEBP", lossless=True, exif=exif)
    header = exif.tobytes().removeprefix(b"Exif\0\0")[:4]
    assert data.count(header) == 1
    damaged = data.replace(header, b"??" + header[2:])
    decoding.check(damaged)
    np.testing.assert_array_equal(decoding.decode(damaged), RGB)


def test_pictures_of_a_few_pixels():
    for size in ((1, 1), (5, 3), (7, 200)):
        data = picture_bytes(size=size, format="JPEG")
        decoding.check(data)
        assert decoding.decode(data).shape == (size[1], size[0], 3)


def test_stretching_to_a_square():
    assert decoding.decode(picture_bytes(), 32).shape == (32, 32, 3)
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 255
    found = decoding.decode(encode(checks.astype(np.uint8)), 16)
    assert found.std() < 5  # antialiased: the middle grey, not a pattern of its own
    assert abs(found.mean() - 127.5) < 2
    unchanged = picture_bytes(size=(8, 8))
    np.testing.assert_array_equal(decoding.decode(unchanged, 8), pixels(0, 8, 8))


@pytest.mark.parametrize("look", [decoding.check, decoding.decode])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_bad(look, format, share):
    data = picture_bytes(size=(200, 150), format=format)
    decoding.check(data)
    with pytest.raises(decoding.BadPicture) as caught:
        look(data[: int(len(data) * share)])
    message = str(caught.value)
    assert "truncated" in message or "cannot be" in message


def bomb():
    """A PNG that says it has 20,000 × 20,000 pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = (b"IHDR" + header, b"IDAT" + zlib.compress(b"\0" * 100), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


@pytest.mark.parametrize("look", [decoding.check, decoding.decode])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"Dear diary, this is no picture.\n" * 50, "not a picture"),
        (b"\xff\xd8\xff" + b"\0" * 500, "not a picture|truncated"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (bomb(), "too many pixels: scale it down"),
    ],
    ids=["empty", "text", "jpeg head", "svg", "bomb"],
)
def test_what_is_no_picture_says_why(look, data, reason):
    with pytest.raises(decoding.BadPicture, match=reason):
        look(data)


def test_what_passes_the_check_can_be_decoded():
    """Bytes changed at random: both agree on what is a picture."""
    generator = np.random.default_rng(0)
    seen = set()
    for format in ("JPEG", "PNG", "GIF", "WEBP"):
        data = picture_bytes(format=format)
        for _ in range(100):
            damaged = bytearray(data)
            damaged[generator.integers(len(data))] = generator.integers(256)
            outcomes = []
            for look in (decoding.check, decoding.decode):
                try:
                    look(bytes(damaged))
                    outcomes.append("good")
                except decoding.BadPicture:
                    outcomes.append("bad")
            assert outcomes[0] == outcomes[1]
            seen.add(outcomes[0])
    assert seen == {"good", "bad"}


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("shape", [(640, 480), (300, 900), (40, 30)])
def test_a_thumbnail_looks_like_the_picture(format, shape):
    data = picture_bytes(format=format, size=shape)
    small = decoding.thumbnail(data, 64)
    assert small.mode == "RGB"
    assert max(small.size) == min(64, max(shape))  # never made larger
    assert small.width / small.height == pytest.approx(shape[0] / shape[1], rel=0.05)
    whole = Image.fromarray(decoding.decode(data)).resize(small.size, Image.LANCZOS)
    apart = np.abs(np.asarray(small, int) - np.asarray(whole, int))
    assert apart.mean() < 3


@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_thumbnail_is_upright(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    data = encode(STORED_AS[orientation](RGB), exif=exif)
    np.testing.assert_array_equal(np.asarray(decoding.thumbnail(data, 999)), RGB)


@pytest.mark.parametrize("data", [b"", b"no picture", picture_bytes()[:-40]])
def test_of_a_bad_picture_there_is_no_thumbnail(data):
    with pytest.raises(decoding.BadPicture):
        decoding.thumbnail(data, 64)
