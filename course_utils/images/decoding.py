"""One picture: from the bytes of a file to upright 8-bit RGB on white.

Every representation and every figure reads pictures through `decode`, so a picture
looks the same everywhere, whatever it was stored as.
"""

import io

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")


class BadPicture(ValueError):
    """A file that cannot be read as a picture; the message says why."""


def decode(data, size=None):
    """Decode the bytes of an image file.

    data: bytes of a JPEG, PNG, GIF, BMP, WebP or TIFF file. Turned upright by its EXIF
    orientation; transparent parts become white; of an animation the first frame; grey,
    palette, CMYK and 16-bit pictures become 8-bit RGB. size: if given, stretched to
    size × size pixels (bilinear, antialiased).
    Returns: uint8 array (height, width, 3). Raises BadPicture; a truncated file is bad,
    never padded.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            image = _as_rgb(_upright(image))
            if size is not None and image.size != (size, size):
                image = image.resize((size, size), Image.Resampling.BILINEAR)
            return np.asarray(image)
    except BadPicture:
        raise
    except Exception as error:  # Pillow's plugins raise nearly every kind
        raise BadPicture(_reason(data, error)) from error


def thumbnail(data, size):
    """A small copy, its longer side at most size pixels: an RGB image of Pillow.

    Looks like what `decode` gives, proportions kept, never made larger. A JPEG is
    decoded at a fraction of its scale, which is quick. Raises BadPicture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft(None, (2 * size, 2 * size))
            image.load()
            image = _as_rgb(_upright(image))
            image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=None)
            return image.copy()
    except BadPicture:
        raise
    except Exception as error:
        raise BadPicture(_reason(data, error)) from error


def check(data):
    """Raise BadPicture unless the whole picture can be decoded; it is quick."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            eighth = (max(image.width // 8, 1), max(image.height // 8, 1))
            image.draft(None, eighth)  # a JPEG is decoded at 1/8 of its scale
            image.load()
            if image.mode == "F":
                _as_rgb(image)
    except BadPicture:
        raise
    except Exception as error:
        raise BadPicture(_reason(data, error)) from error


def _upright(image):
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block says nothing of the pixels
        return image


def _as_rgb(image):
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F":
        raise BadPicture("pixels are floating point: save it as 8-bit PNG or JPEG")
    if image.mode.startswith("I"):
        pixels = np.asarray(image, dtype=np.int64)
        # A plain conversion would clip everything above 255 to white.
        if image.mode != "I" or pixels.max() > 255:
            pixels = pixels // 257
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def _reason(data, error):
    if not data:
        return "the file is empty (0 bytes)"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture, or of a kind that cannot be read"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels: scale it down first"
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return "the file is cut off (truncated)"
    return f"cannot be decoded ({type(error).__name__}: {error})"
