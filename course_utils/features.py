"""From an image set to features: names, the cache, and where the work is done.

A representation is named by one string: `raw`, `colour`, `hog`, `lbp`, `bovw`,
`bovw:tfidf`, `VGG19`, `VGG19:fc2`. Finished chunks are kept at once, so an interrupted
extraction goes on where it stopped. The same call serves 200 pictures and a million:
see `extract`.
"""

import collections
import difflib
import functools
import importlib.metadata
import json
import warnings
from dataclasses import replace

import cv2
import numpy as np
import PIL
import skimage
import sklearn
from tqdm.auto import tqdm

from course_utils import (
    backbones,
    engines,
    extraction,
    handcrafted,
    part_files,
    storage,
)
from course_utils.cache import Store
from course_utils.extraction import CHUNK, Recipe

TASK = 256  # pictures that a worker of an engine gets at a time
RECIPE = 1  # raise it when the course computes features differently


def parse(representation):
    """Split a representation's name into (base, layer); layer is None if not named.

    Raises ValueError for a name that is not known, with the nearest ones.
    """
    base, _, layer = representation.partition(":")
    names = (*handcrafted.NAMES, *backbones.TABLE)
    if base not in names:
        lower = {name.lower(): name for name in names}
        near = difflib.get_close_matches(base.lower(), lower, n=2)
        hint = f"did you mean {' or '.join(lower[n] for n in near)}? " if near else ""
        raise ValueError(
            f"there is no representation {base!r}: {hint}Known are {', '.join(names)}."
        )
    if base in handcrafted.NAMES and layer and (base, layer) != ("bovw", "tfidf"):
        raise ValueError(
            f"{base} has no layers: write {base!r} (or bovw:tfidf, or Network:layer)."
        )
    return base, layer or None


def extract(
    images,
    representation,
    *,
    batch_size=None,
    precision=None,
    cache=True,
    progress=True,
    engine=None,
    to=None,
):
    """Features of every picture, in the order of the pictures.

    images: an ImageSet; or, too many to be listed, an ImageStream of `streams.open`.
    batch_size: pictures a step of the network; chosen for the device if None.
    precision: "float32" or "mixed_float16" inside the network; if None, half precision
    where there is a GPU. The cosine between the two is at least 1 −
    `extraction.TOLERANCE`.
    cache: of an image set; False neither reads nor writes it. progress: a bar on
    anything over two seconds. engine: where to work, see `engines`; its workers find
    the pictures, and the folder `to`, at the same place as here. to: for a stream, the
    folder or fsspec address of the features (or a `feature_parts.Folder`, where the
    address needs storage options); by default one in the cache.

    Returns: float32 array (n, width) of an ImageSet, on disk if it is large; of a
    stream a `FeatureParts`, which also knows what was left out.
    Raises ValueError for an unknown name or an empty set, backbones.WeightsUnavailable,
    what `engines.spread` raises.
    """
    base, layer = parse(representation)
    engines.check(engine)
    is_stream = hasattr(images, "parts")
    if batch_size is not None and (
        batch_size < 1 or (CHUNK % batch_size and batch_size % CHUNK)
    ):
        raise ValueError(
            f"batch_size={batch_size}: take 32, or a divisor or multiple of {CHUNK}."
        )
    if to is not None and not is_stream:
        raise ValueError(
            "to= is for a stream (streams.open); the features of an image set are an "
            "array, and kept in the cache."
        )
    if layer == "tfidf" and base == "bovw":
        if is_stream:
            raise ValueError("bovw:tfidf weighs all pictures at once: take bovw.")
        bags = extract(images, base, cache=cache, progress=progress, engine=engine)
        return handcrafted.tf_idf(bags)
    chosen = extraction.choose_precision(base, precision)
    recipe = Recipe(base, layer, batch_size, chosen)
    if is_stream:
        return _stream(images, representation, recipe, engine, to, progress)
    rest = engine, cache, progress
    try:
        return _image_set(images, representation, recipe, *rest)
    except extraction.TooLarge as error:
        warnings.warn(f"{error}: it is computed in float32 instead.", stacklevel=2)
        recipe = replace(recipe, precision="float32")
        return _image_set(images, representation, recipe, *rest)


def _image_set(image_set, representation, recipe, engine, cache, progress):
    if not len(image_set):
        raise ValueError(f"{image_set.name} holds no picture: there are no features.")
    spec = _spec(image_set, recipe) if cache or engine is not None else {}
    store = Store(representation, spec) if cache else None
    places = collections.defaultdict(list)  # of each distinct picture
    for place, digest in enumerate(image_set.digests):
        places[digest].append(place)
    features, found = None, set()

    def put(digests, rows):
        nonlocal features
        pairs = [
            (place, row)
            for row, digest in enumerate(digests)
            for place in places.get(digest, ())
        ]
        if pairs:
            if features is None:
                features = storage.rows(len(image_set), rows.shape[1])
            where, which = zip(*pairs, strict=True)
            features[list(where)] = rows[list(which)]
            found.update(digests)

    for digests, rows in store.chunks() if store else ():
        put(digests, rows)
    missing = [first for digest, (first, *_) in places.items() if digest not in found]
    if missing:
        if recipe.base == "bovw":
            codebook = extraction.learn_codebook(image_set, progress)
            recipe = replace(recipe, codebook=codebook)
        bar = {"desc": representation, "disable": not progress}
        if engine is None:
            chunks = extraction.compute(image_set, missing, recipe, bar=bar)
        else:
            recipe = replace(recipe, weights=spec.get("weights"))
            chunks = _spread(image_set, missing, recipe, engine, bar)
        for indices, rows in chunks:
            digests = [image_set.digests[index] for index in indices]
            put(digests, rows)
            if store:
                store.write(digests, rows)
    return features


def _spread(image_set, indices, recipe, engine, bar):
    """`extraction.compute` by an engine; chunks come as they are finished.

    A task is cut where one process would begin a batch, so every batch holds the same
    pictures, and on equal machines the features are the same to the last bit.
    """
    size = max(TASK, recipe.batch_size or 0)
    chunks = (indices[i : i + size] for i in range(0, len(indices), size))
    tasks = ((chunk, image_set.subset(chunk)) for chunk in chunks)
    function = functools.partial(_chunk, recipe)
    with tqdm(total=len(indices), unit=" pictures", delay=2, **bar) as shown:
        for (chunk, _), rows in engines.spread(function, tasks, engine):
            yield chunk, rows
            shown.update(len(chunk))


def _chunk(recipe, task):
    """On a worker: the features of a small image set."""
    _, image_set = task
    every = range(len(image_set))
    found = extraction.compute(image_set, every, recipe)
    return np.concatenate([rows for _, rows in found])


def _stream(stream, representation, recipe, engine, to, progress):
    spec = _spec(stream, recipe)
    recipe = replace(recipe, weights=spec.get("weights"))
    about = {
        "image_set": stream.name,
        "representation": representation,
        "depends_on": spec | {"batch_size": recipe.batch_size},
    }
    if to is None:
        key = storage.digest(json.dumps([stream.address, about], sort_keys=True))[:12]
        name = f"{representation.replace(':', '--')}-{key}"
        to = storage.cache_dir() / "parts" / name
    try:
        return part_files.fill(stream, to, recipe, about, engine, progress)
    except extraction.TooLarge as error:  # parts of both kinds must not be mixed
        raise ValueError(
            f"{error}: give precision='float32', and another folder to write to."
        ) from error


def _spec(images, recipe):
    """All that the features depend on besides the picture's bytes.

    The backend of Keras is left out: it changes no more than the last digits.
    """
    base, layer = recipe.base, recipe.layer
    spec = {"base": base, "layer": layer, "recipe": RECIPE, "pillow": PIL.__version__}
    if base == "bovw":  # its words come from the pictures: it depends on the whole set
        whole = getattr(images, "fingerprint", None) or images.address
        spec |= {"image_set": whole, "sklearn": sklearn.__version__}
    if base in handcrafted.NAMES:
        return spec | {"cv2": cv2.__version__, "skimage": skimage.__version__}
    if recipe.precision != "float32":
        spec["precision"] = recipe.precision
    return spec | {
        "keras": importlib.metadata.version("keras"),
        "weights": backbones.weights_digest(base, layer),
    }
