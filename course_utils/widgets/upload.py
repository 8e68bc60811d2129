"""An image of the reader's own, uploaded in the notebook."""

from course_utils import images


def uploaded_picture(upload, size=None):
    """Decode what was uploaded, or say why there is nothing to decode.

    Parameters
    ----------
    upload : ipywidgets.FileUpload
        Of any version: its value is a dict up to 7 and a tuple from 8 on. Of several
        files the last one counts.
    size : int, default=None
        If given, stretched to size × size pixels.

    Returns
    -------
    uint8 array (height, width, 3) or None
        RGB. None, after a printed sentence, if nothing was uploaded or if it is not an
        image that can be read.

    Examples
    --------
    >>> import ipywidgets
    >>> uploaded_picture(ipywidgets.FileUpload()) is None
    Nothing is uploaded.
    True
    """
    files = upload.value
    if isinstance(files, dict):  # ipywidgets 7: {name: {"content": bytes}}
        files = [{"name": name, **file} for name, file in files.items()]
    if not files:
        print("Nothing is uploaded.")
        return None
    name, data = files[-1]["name"], bytes(files[-1]["content"])
    try:
        return images.from_bytes("upload", {name: data}).picture(0, size)
    except ValueError as error:
        reason = str(error).rpartition(f"{name}: ")[2]
        print(f"{name} cannot be read as an image: {reason}.")
        return None
