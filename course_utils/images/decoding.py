"""One picture: from the bytes of a file to upright 8-bit RGB on white.

Every representation and every figure reads pictures through `decode`, so a picture
looks the same everywhere, whatever it was stored as. What a file is, its content says
and not its name: everything that Pillow reads, and HEIC through pillow-heif.
"""

import functools
import io
import warnings

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

# Names by which a picture is recognised where its content would be dear to look at.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp"),
    *(".webp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".hif", ".jp2", ".j2k"),
    *(".jpx", ".ico"),
)
MAX_PIXELS = 89_478_485  # above, a JPEG is reduced: 0.4 GB in Pillow
MIN_REDUCED = 100_000  # below, a JPEG takes a millisecond or less as it is
MAX_OTHER = 2 * MAX_PIXELS  # of the formats that can only be decoded as a whole

# Pillow knows them, but needs another program (EPS) or has no decoder.
NOT_READ = {"EPS", "BUFR", "GRIB", "HDF5", "MPEG", "WMF"}
# Their numbers cover the whole range, from 0 to 65535, by definition.
FULL_RANGE = ("PNG", "JPEG2000", "PPM")
RESCALED = "its values go beyond 8 bits and are scaled by their own range"
OTHER = "not a picture"  # a file that does not claim to be one

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class BadPicture(ValueError):
    """A file that cannot be read as a picture; the message says why."""


def decode(data, size=None):
    """Decode the bytes of an image file.

    data: bytes of a file of any kind that Pillow reads, or HEIC. Turned upright by its
    EXIF orientation; transparent parts become white; of an animation the first frame;
    grey, palette, CMYK and deeper pictures become 8-bit RGB. A JPEG of more than
    MAX_PIXELS is decoded at 1/2, 1/4 or 1/8 of its scale. size: if given, stretched to
    size × size pixels (bilinear, antialiased); a JPEG of more than MIN_REDUCED pixels
    is decoded at the smallest of these scales that is at least twice as large.
    Returns: uint8 array (height, width, 3). Raises BadPicture; a truncated file is bad,
    never padded.
    """
    with _opened(data, size and functools.partial(_twice, size)) as image:
        image = _as_rgb(image, data)
        if size is not None and image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(image)


def thumbnail(data, size):
    """A small copy, its longer side at most size pixels: an RGB image of Pillow.

    Looks like what `decode` gives, proportions kept, never made larger. A JPEG is
    decoded at a fraction of its scale, which is quick. Raises BadPicture.
    """
    with _opened(data, lambda width, height: (2 * size, 2 * size)) as image:
        image = _as_rgb(image, data)
        image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=None)
        return image.copy()


def check(data):
    """Raise BadPicture unless the whole picture can be decoded; it is quick.

    Returns None, or RESCALED if that is what `decode` does to its values.
    """
    with _opened(data, lambda *size: tuple(max(n // 8, 1) for n in size)) as image:
        image.load()
        deep = image.mode == "F" or image.mode.startswith("I")
        return RESCALED if deep and _to_8_bits(image, image.format)[1] else None


def is_picture(file):
    """Whether a file, opened for reading bytes, begins like a picture."""
    head = file.read(12)
    file.seek(0)
    if _kind(head):
        return True
    try:
        Image.open(file, formats=_formats()).close()
    except Image.DecompressionBombError:
        return True
    except Exception:  # Pillow's plugins raise nearly every kind
        return False
    return True


def _twice(size, width, height):
    """The (width, height) that a JPEG needs to be made size pixels wide and high."""
    whole = width * height <= MIN_REDUCED
    return (width, height) if whole else (2 * size, 2 * size)


class _opened:
    """The image in a file, not decoded yet; inside, every error becomes a BadPicture.

    needed: a function of (width, height), the size that is enough of a JPEG.
    """

    def __init__(self, data, needed=None):
        self.data, self.needed, self.image = data, needed, None

    def __enter__(self):
        try:
            self.image = self._open()
        except Exception as error:
            raise self._bad(error) from error
        return self.image

    def __exit__(self, kind, error, traceback):
        self.image.close()
        if isinstance(error, Exception) and not isinstance(error, BadPicture):
            raise self._bad(error) from error

    def _open(self):
        if package := _kind(self.data):
            _import_decoder(package)
        try:
            image = Image.open(io.BytesIO(self.data), formats=_formats())
        except Image.DecompressionBombError:
            if not self.data.startswith(b"\xff\xd8\xff"):
                raise
            image = JpegImageFile(io.BytesIO(self.data))
        n_pixels = image.width * image.height
        if isinstance(image, JpegImageFile):
            self._reduce(image, n_pixels)
        elif n_pixels > MAX_OTHER:
            raise BadPicture(_too_large(n_pixels))
        return image

    def _reduce(self, image, n_pixels):
        """Have a JPEG decoded at a fraction of its scale; Pillow allows it once."""
        # The coefficients of a progressive one are held in full, at any scale.
        if n_pixels > MAX_OTHER and "progressive" in image.info:
            raise BadPicture(_too_large(n_pixels, "a JPEG that is not progressive"))
        enough = self.needed(*image.size) if self.needed else image.size
        if n_pixels > MAX_PIXELS:
            scale = next(s for s in (2, 4, 8) if n_pixels / s**2 <= MAX_PIXELS)
            enough = tuple(
                min(e, n // scale) for e, n in zip(enough, image.size, strict=True)
            )
        if enough != image.size:
            image.draft(None, enough)

    def _bad(self, error):
        if isinstance(error, BadPicture):
            return error
        return BadPicture(_reason(self.data, error))


@functools.cache
def _formats():
    """Pillow's names of the formats that are read."""
    Image.init()
    return tuple(name for name in Image.ID if name not in NOT_READ)


def _kind(data):
    """The package that decodes this kind of file, if Pillow alone may not; else None.

    Both are ISO media files, which say what they are in their first bytes.
    """
    if data[4:8] != b"ftyp":
        return None
    if data[8:12] in (b"avif", b"avis"):
        return "AVIF"
    heif = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
    return "HEIF" if data[8:12] in heif else None


def _import_decoder(kind):
    if kind in _formats():
        return
    if kind == "AVIF":
        raise BadPicture(
            "an AVIF picture, which needs Pillow 11.3 or newer: pip install -U pillow"
        )
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise BadPicture(
            "a HEIC picture, which needs a further package: pip install pillow-heif"
        ) from None
    register_heif_opener()
    _formats.cache_clear()


def _upright(image):
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block says nothing of the pixels
        return image


def _as_rgb(image, data):
    """The pixels of an opened image: upright, on white, 8-bit RGB."""
    frame = image.tile[0][1] if image.format == "GIF" and image.tile else None
    format = image.format
    image.load()
    if image.format == "PNG":
        _scale_transparency(image, data)
    if frame and tuple(frame) != (0, 0, *image.size):
        paper = Image.new("RGB", image.size, "white")
        paper.paste(_on_white(image.crop(frame), format), frame)
        return paper
    return _on_white(_upright(image), format)


def _scale_transparency(image, data):
    """Pillow scales the pixels of a PNG to 8 bits, but not its transparent colour."""
    colour, depth = image.info.get("transparency"), data[24]
    if depth < 8 and isinstance(colour, int) and image.mode in ("1", "L"):
        image.info["transparency"] = colour * 255 // (2**depth - 1)
    elif depth == 16 and isinstance(colour, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in colour)


def _on_white(image, format):
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_to_8_bits(image, format)[0]).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def _to_8_bits(image, format):
    """(uint8 array, whether scaled by their own range) of deeper grey values."""
    real = image.mode == "F"
    values = np.asarray(image, dtype=np.float64 if real else np.int64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise BadPicture("none of its floating-point values is a number")
    least, most = finite.min(), finite.max()
    # A plain conversion would clip everything above 255 to white.
    if not real and format in FULL_RANGE:
        colour = image.info.get("transparency")
        deep = image.mode != "I" or most > 255
        pixels = (values // 257 if deep else values).clip(0, 255)
        if isinstance(colour, int):
            pixels[values == colour] = 255
        return pixels.astype(np.uint8), False
    if not real and least >= 0 and most <= 255:  # 8-bit values in more bits
        return values.astype(np.uint8), False
    values = np.nan_to_num(values, nan=least, posinf=most, neginf=least)
    span = most - least
    # Divided first: the range of floating-point values may be larger than a number.
    shares = (values / 2 - least / 2) / (span / 2) if span > 0 else values * 0
    return np.rint(shares * 255).astype(np.uint8), True


def _too_large(n_pixels, kind="JPEG"):
    return (
        f"{n_pixels / 1e6:,.0f} megapixels are too many pixels: scale it down to "
        f"{MAX_OTHER / 1e6:,.0f} megapixels, or save it as {kind}"
    )


def _reason(data, error):
    if not data:
        return "the file is empty (0 bytes)"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture, or of a kind that cannot be read"
    if isinstance(error, Image.DecompressionBombError):
        found = [
            int(word) for word in str(error).replace("(", " ").split() if word.isdigit()
        ]
        return _too_large(found[0]) if found else "too many pixels: scale it down"
    text = str(error).lower()
    if "truncated" in text or "end of file" in text or isinstance(error, EOFError):
        return "the file is cut off (truncated)"
    return f"cannot be decoded ({type(error).__name__}: {error})"


def as_jpeg(image, quality=80):
    """The bytes of a JPEG file of an image of Pillow."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
