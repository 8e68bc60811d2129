"""An image of the reader's own: both versions of the widget, good and bad files."""

from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
from small_sets import contents

from course_utils import widgets
from course_utils.images import decoding

PNG = next(iter(contents(1)[0].values()))


def seven(**files):
    """What `FileUpload.value` is in ipywidgets 7.7, Colab's."""
    value = {n: {"metadata": {"name": n}, "content": data} for n, data in files.items()}
    return SimpleNamespace(value=value)


def eight(**files):
    """The same in ipywidgets 8, where the content is a memoryview."""
    value = [{"name": n, "content": memoryview(data)} for n, data in files.items()]
    return SimpleNamespace(value=tuple(value))


@pytest.mark.parametrize("version", [seven, eight])
def test_the_uploaded_image_is_decoded(version, capsys):
    expected = decoding.decode(PNG)
    assert np.array_equal(widgets.uploaded_picture(version(mine=PNG)), expected)
    last = version(broken=b"no image", mine=PNG)
    assert widgets.uploaded_picture(last, 32).shape == (32, 32, 3)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("version", [seven, eight])
def test_what_is_no_image_is_said_in_one_sentence(version, capsys):
    for data in (b"no image", b"", PNG[:60]):
        assert widgets.uploaded_picture(version(mine=data), 32) is None
        said = capsys.readouterr().out
        assert said.startswith("mine cannot be read as an image: ")
        assert said.count("\n") == 1 and said.endswith(".\n") and ".." not in said


def test_nothing_uploaded_is_said(capsys):
    for upload in (ipywidgets.FileUpload(), seven(), eight()):
        assert widgets.uploaded_picture(upload) is None
        assert capsys.readouterr().out == "Nothing is uploaded.\n"


def test_the_installed_version_is_one_of_the_two():
    assert isinstance(ipywidgets.FileUpload().value, dict | tuple)
