"""Decoding: whatever a picture was stored as, out come upright RGB pixels on white."""

import io
import struct
import sys
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
    dark = GREY.astype(np.int32)  # 8-bit values in 32 bits
    np.testing.assert_array_equal(decoding.decode(encode(dark, "TIFF")), three(GREY))


def stretched(values):
    """Grey values from 0 for the least to 255 for the greatest."""
    values = np.asarray(values, np.float64)
    return np.rint((values - values.min()) / np.ptp(values) * 255)


@pytest.mark.parametrize(
    "values",
    [
        GREY.astype(np.float32),
        GREY.astype(np.float32) / 255,
        GREY.astype(np.float32) * 1e30 - 3e31,
        (GREY.astype(np.float32) - 128) * 1e36,
        GREY.astype(np.uint16) * 16,  # of a camera with 12 bits
        GREY.astype(np.uint16) * 257,
        GREY.astype(np.int32) * 70_000 - 5,
    ],
    ids=["F", "0 to 1", "large", "range", "12 bits", "16 bits", "32 bits"],
)
def test_deep_values_of_a_tiff_are_scaled_by_their_own_range(values):
    data = encode(values, "TIFF")
    assert decoding.check(data) == decoding.RESCALED
    found = decoding.decode(data)
    np.testing.assert_allclose(found, three(stretched(values)), atol=1)
    assert (found.min(), found.max()) == (0, 255)


def test_floating_point_without_numbers_or_differences():
    grey = np.full((5, 4), np.nan, np.float32)
    for look in (decoding.check, decoding.decode):
        with pytest.raises(decoding.BadPicture, match=r"none of its .* is a number"):
            look(encode(grey, "TIFF"))
    grey[1:] = 7
    np.testing.assert_array_equal(decoding.decode(encode(grey, "TIFF")), 0)
    grey[0], grey[1], grey[2, 0] = np.inf, 0, np.nan
    found = decoding.decode(encode(grey, "TIFF"))[..., 0]
    assert found[0].tolist() == [255] * 4 and found[2].tolist() == [0, 255, 255, 255]


@pytest.mark.parametrize("format", ["PNG", "JPEG2000", "PPM"])
def test_sixteen_bits_of_other_formats_cover_the_whole_range(format):
    deep = GREY.astype(np.uint16) * 257 // 2
    data = encode(deep, format) if format != "PPM" else sixteen_bit_pgm(deep)
    assert decoding.check(data) is None
    np.testing.assert_allclose(decoding.decode(data), three(GREY // 2), atol=1)


def sixteen_bit_pgm(pixels):
    """Pillow writes them only from version 11 on."""
    height, width = pixels.shape
    return f"P5 {width} {height} 65535\n".encode() + pixels.astype(">u2").tobytes()


def test_eight_bits_are_not_rescaled():
    for mode in ("L", "RGB", "RGBA", "P", "CMYK"):
        format = "TIFF" if mode == "CMYK" else "PNG"
        assert decoding.check(picture_bytes(mode, format=format)) is None


def raw_png(depth, colour, row, transparent):
    """A PNG of one row of packed samples, with a transparent value."""
    width = {0: 8 * len(row) // depth, 2: len(row) // 6}[colour]
    header = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    body = zlib.compress(b"\0" + row)
    return png_of((b"IHDR" + header, b"tRNS" + transparent, b"IDAT" + body, b"IEND"))


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_grey_value_of_any_depth_is_white(depth):
    n_values = min(2**depth, 8)
    levels = np.linspace(0, 2**depth - 1, n_values).astype(int)
    bits = "".join(f"{level:0{depth}b}" for level in levels)
    row = int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2)
    row = row.to_bytes(-(-len(bits) // 8), "big")
    for hidden in range(n_values):
        data = raw_png(depth, 0, row, struct.pack(">H", levels[hidden]))
        found = decoding.decode(data)[0, :n_values, 0].astype(int)
        expected = levels * 255 / (2**depth - 1)
        expected[hidden] = 255
        np.testing.assert_allclose(found, expected, atol=1)


def test_a_transparent_colour_of_sixteen_bits_is_white():
    colours = np.array([[0, 0, 0], [30_000, 1, 2], [60_000, 9, 9]], ">u2")
    for hidden in range(3):
        data = raw_png(16, 2, colours.tobytes(), colours[hidden].tobytes())
        expected = colours.astype(int) >> 8
        expected[hidden] = 255
        np.testing.assert_allclose(decoding.decode(data)[0], expected, atol=1)


@pytest.mark.parametrize("canvas", [(64, 48), (80, 48), (64, 70), (90, 90)])
@pytest.mark.parametrize("transparent", [False, True])
def test_a_gif_smaller_than_its_canvas_lies_on_white(canvas, transparent):
    image = Image.fromarray(RGB).quantize(8)
    file = io.BytesIO()
    image.save(file, "GIF", **({"transparency": 3} if transparent else {}))
    data = bytearray(file.getvalue())
    inside = decoding.decode(bytes(data))
    data[6:10] = struct.pack("<HH", *canvas)  # the canvas, not the frame
    found = decoding.decode(bytes(data))
    expected = np.full((canvas[1], canvas[0], 3), 255)
    expected[:48, :64] = inside
    np.testing.assert_array_equal(found, expected)


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


def png_of(chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def bomb():
    """A PNG that says it has 20,000 × 20,000 pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return png_of((b"IHDR" + header, b"IDAT" + zlib.compress(b"\0" * 100), b"IEND"))


@pytest.mark.parametrize("look", [decoding.check, decoding.decode])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"Dear diary, this is no picture.\n" * 50, "not a picture"),
        (b"\xff\xd8\xff" + b"\0" * 500, "not a picture|truncated"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (
            bomb(),
            "400 megapixels are too many pixels: scale it down to 179 megapixels, ",
        ),
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


# Every kind of file


def heic(**options):
    """The bytes of a HEIC file with the pixels of RGB."""
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    try:
        return picture_bytes(format="HEIF", quality=95, **options)
    except Exception as error:  # built without an encoder
        pytest.skip(f"no HEIC can be written: {error}")


LOSSLESS = ("PNG", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "SGI", "DDS", "JPEG2000")
LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "GIF")


def stored(format):
    if format == "HEIC":
        return heic()
    if format == "AVIF":
        pytest.importorskip("PIL._avif")
    options = {}
    if format == "ICO":
        options = {"sizes": [(64, 48)]}
    elif format == "MPO":
        more = Image.fromarray(pixels(1))
        options = {"save_all": True, "append_images": [more], "quality": 95}
    elif format in ("JPEG", "WEBP", "AVIF"):
        options = {"quality": 95}
    return picture_bytes(format=format, **options)


@pytest.mark.parametrize("format", [*LOSSLESS, *LOSSY, "HEIC"])
def test_every_format_is_known_by_its_content(format):
    data = stored(format)
    assert decoding.is_picture(io.BytesIO(data))
    assert decoding.check(data) is None
    found = decoding.decode(data)
    assert found.shape == RGB.shape
    apart = np.abs(found.astype(int) - RGB)
    assert apart.max() == 0 if format in LOSSLESS else apart.mean() < 8
    small = np.asarray(decoding.thumbnail(data, 32), int)
    assert small.shape == (24, 32, 3)


@pytest.mark.parametrize("format", ["AVIF", "JPEG2000", "HEIC", "ICO"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_of_the_other_formats_is_bad(format, share):
    data = stored(format)
    for look in (decoding.check, decoding.decode):
        with pytest.raises(decoding.BadPicture):
            look(data[: int(len(data) * share)])


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("format", ["TIFF", "WEBP", "AVIF", "HEIC", "MPO"])
def test_every_format_is_turned_upright(format, orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    image = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](RGB)))
    if format == "HEIC":
        heic()
    elif format == "AVIF":
        pytest.importorskip("PIL._avif")
    file, options = io.BytesIO(), {"exif": exif.tobytes()}
    if format == "MPO":
        options |= {"save_all": True, "append_images": [image]}
    if format != "TIFF":
        options["quality"] = 95
    image.save(file, "HEIF" if format == "HEIC" else format, **options)
    found = decoding.decode(file.getvalue()).astype(int)
    assert found.shape == RGB.shape
    assert np.abs(found - RGB).mean() < 8


@pytest.mark.parametrize(
    ("brand", "words"),
    [
        (b"heic", "a HEIC picture, which needs a further package: pip install pillow-"),
        (b"mif1", "pip install pillow-heif"),
        (b"avif", "an AVIF picture, which needs Pillow 11.3 or newer"),
    ],
)
def test_without_a_decoder_the_remedy_is_named(monkeypatch, brand, words):
    data = b"\0\0\0\x1cftyp" + brand + b"\0" * 100
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(decoding, "_formats", lambda: ("JPEG", "PNG"))
    assert decoding.is_picture(io.BytesIO(data))
    for look in (decoding.check, decoding.decode):
        with pytest.raises(decoding.BadPicture, match=words):
            look(data)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"hello, world\n", b"image,label\na.png,cat\n", b"{}", b"%PDF-1.7\n"),
        *(b"PK\x03\x04" + b"\0" * 99, b"\0" * 5000, b"\x89HDF\r\n\x1a\n" + b"\0" * 99),
        *(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\0\0\1\xba" * 9),
        *(b"#!/bin/sh\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        b"\0\0\0\x18ftypmp42" + b"\0" * 99,
    ],
)
def test_what_is_no_picture_is_not_taken_for_one(data):
    assert not decoding.is_picture(io.BytesIO(data))


# Scans


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_a_large_jpeg_is_decoded_at_a_reduced_scale(monkeypatch, scale):
    data = picture_bytes(size=(640, 480), format="JPEG", quality=95)
    whole = decoding.decode(data)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 640 * 480 // scale**2)
    found = decoding.decode(data)
    assert found.shape == (480 // scale, 640 // scale, 3)
    expected = Image.fromarray(whole).resize(found.shape[1::-1], Image.BOX)
    assert np.abs(found.astype(int) - np.asarray(expected)).mean() < 2
    assert decoding.check(data) is None
    assert decoding.decode(data, 32).shape == (32, 32, 3)
    for size in (32, 300):
        small = decoding.thumbnail(data, size)
        assert max(small.size) == min(size, 640 // scale)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "WEBP", "GIF"])
def test_other_large_pictures_are_named_with_their_size(monkeypatch, format):
    monkeypatch.setattr(decoding, "MAX_OTHER", 2_000_000)
    data = encode(np.zeros((1500, 2000, 3), np.uint8), format)
    for look in (decoding.check, decoding.decode):
        with pytest.raises(decoding.BadPicture) as caught:
            look(data)
        assert str(caught.value) == (
            "3 megapixels are too many pixels: scale it down to 2 megapixels, or save "
            "it as JPEG"
        )


def test_a_huge_progressive_jpeg_is_named_and_a_plain_one_read(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1_000_000)
    monkeypatch.setattr(decoding, "MAX_OTHER", 2_000_000)
    array = np.zeros((1500, 2000, 3), np.uint8)
    assert decoding.decode(encode(array, "JPEG")).shape == (750, 1000, 3)
    with pytest.raises(decoding.BadPicture, match="as a JPEG that is not progressive"):
        decoding.decode(encode(array, "JPEG", progressive=True))
