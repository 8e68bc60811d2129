"""Image sets of a few small pictures, in memory or in a folder, made in no time."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import encode
from threadpoolctl import threadpool_limits

from course_utils.images import datasets

COLOURS = ((230, 30, 30), (30, 190, 40), (30, 50, 230), (240, 220, 20))


@pytest.fixture(autouse=True)
def one_thread():
    """A few points need no threads: on a busy machine these only wait for each other.

    Import it into a test module, and all its tests use it.
    """
    with threadpool_limits(1):
        yield


def picture(colour, seed=0):
    """A PNG of 16 × 16 noisy pixels of one colour."""
    noise = np.random.default_rng(seed).integers(-20, 21, (16, 16, 3))
    return encode((np.array(colour) + noise).clip(0, 255).astype(np.uint8))


def contents(n_each=5, class_names=("red", "green", "blue")):
    """({image: bytes}, {image: class}): one colour a class, all pictures distinct."""
    found = {
        f"{name}/{i}.png": (picture(colour, seed=1000 * c + i), name)
        for c, (name, colour) in enumerate(zip(class_names, COLOURS, strict=False))
        for i in range(n_each)
    }
    files = {image: data for image, (data, _) in found.items()}
    return files, {image: label for image, (_, label) in found.items()}


def coloured(n_each=5, class_names=("red", "green", "blue"), labels=True):
    """An image set of one colour a class, which `raw` and `colour` tell apart."""
    files, true = contents(n_each, class_names)
    return datasets.from_bytes("coloured", files, true if labels else None)


def noisy(n=20, n_classes=4, seed=0):
    """An image set without any visible classes, so that chance decides."""
    generator = np.random.default_rng(seed)
    files, true = {}, {}
    for i in range(n):
        files[f"{i}.png"] = picture(generator.integers(60, 200, 3), seed + i)
        true[f"{i}.png"] = f"class {i % n_classes}"
    return datasets.from_bytes("noisy", files, true)


def write_folder(folder, files):
    """Write {path inside: bytes} and return the folder."""
    for image, data in files.items():
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        (folder / image).write_bytes(data)
    return folder


def four_colours(n_each=40):
    """Red, green, blue and yellow pictures, each with its number in its caption."""
    found = coloured(n_each, ("red", "green", "blue", "yellow"))
    numbered = [f"{name} thing {i}" for i, name in enumerate(found.true_names)]
    return replace(found, captions=tuple(numbered))
