"""Pages that need no other file: images inside the HTML."""

import base64


def image_data_uri(data, kind="png"):
    """Turn the bytes of an image file into an address for `<img src="…">`.

    kind: "png" or "jpeg".

    >>> image_data_uri(b"abc")
    'data:image/png;base64,YWJj'
    """
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
