"""From an image set to features: the only place that runs a network.

A representation is named by one string: `raw`, `colour`, `hog`, `lbp`, `bovw`,
`bovw:tfidf`, `VGG19`, `VGG19:fc2`. Pictures stream through: threads decode the next
batches while the network works on one, so what is in memory is the features and a few
pictures. Finished chunks go to the cache at once, so an interrupted extraction goes on
where it stopped.
"""

import collections
import difflib
import importlib.metadata
import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import PIL
import skimage
import sklearn
from tqdm.auto import tqdm

from course_utils import backbones, handcrafted
from course_utils.cache import Store

CHUNK = 128  # pictures in a file of the cache; the batch sizes divide it
BATCH_SIZES = {"CPU": 32, "GPU": 128, "TPU": 128}
AHEAD = 3  # batches in the works
N_THREADS = min(16, os.cpu_count() or 1)
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


def extract(image_set, representation, *, batch_size=None, cache=True, progress=True):
    """Features of every picture: float32 array (n, width), in the image set's order.

    batch_size: pictures a step of the network; chosen for the device if None. cache:
    False neither reads nor writes it. progress: a bar on anything over two seconds.
    Raises ValueError for an unknown name or an empty set, backbones.WeightsUnavailable.
    """
    base, layer = parse(representation)
    if not len(image_set):
        raise ValueError(f"{image_set.name} holds no picture: there are no features.")
    if layer == "tfidf" and base == "bovw":
        bags = extract(image_set, base, cache=cache, progress=progress)
        return handcrafted.tf_idf(bags)
    if batch_size is not None and (batch_size < 1 or CHUNK % batch_size):
        raise ValueError(
            f"batch_size={batch_size}: take a divisor of {CHUNK}, like 32."
        )
    store = Store(representation, _spec(image_set, base, layer)) if cache else None
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
                features = np.empty((len(image_set), rows.shape[1]), np.float32)
            where, which = zip(*pairs, strict=True)
            features[list(where)] = rows[list(which)]
            found.update(digests)

    for digests, rows in store.chunks() if store else ():
        put(digests, rows)
    missing = [first for digest, (first, *_) in places.items() if digest not in found]
    if missing:
        worker = _worker(image_set, base, layer, batch_size, progress)
        bar = {"desc": representation, "disable": not progress}
        for indices, rows in _compute(image_set, missing, *worker, bar):
            digests = [image_set.digests[index] for index in indices]
            put(digests, rows)
            if store:
                store.write(digests, rows)
    return features


def _compute(image_set, indices, size, per_picture, per_batch, batch_size, bar):
    """Yield (indices, rows) chunk by chunk.

    size: side of the square pictures that per_picture gets, in the threads; per_batch
    gets a list of what it returned, here.
    """

    def work(index):
        return per_picture(image_set.picture(index, size))

    batches = [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]
    waiting, chunk, chunk_rows = collections.deque(), [], []
    with (
        ThreadPoolExecutor(N_THREADS) as pool,
        tqdm(total=len(indices), unit=" pictures", delay=2, **bar) as shown,
    ):
        try:
            for turn in range(len(batches) + AHEAD):
                if turn < len(batches):
                    waiting.append([pool.submit(work, i) for i in batches[turn]])
                if turn < AHEAD:
                    continue
                batch = batches[turn - AHEAD]
                chunk_rows.append(per_batch([f.result() for f in waiting.popleft()]))
                chunk += batch
                shown.update(len(batch))
                if len(chunk) >= CHUNK or turn == len(batches) + AHEAD - 1:
                    yield chunk, np.concatenate(chunk_rows)
                    chunk, chunk_rows = [], []
        finally:
            pool.shutdown(cancel_futures=True)


def _worker(image_set, base, layer, batch_size, progress):
    """(size, per_picture, per_batch, batch_size) for `_compute`."""
    if base == "bovw":
        codebook = _codebook(image_set, progress)

        def bag(picture):
            return handcrafted.bag_of_words(handcrafted.sift(picture), codebook)

        return handcrafted.BOVW_SIZE, bag, np.stack, batch_size or BATCH_SIZES["CPU"]
    if base in handcrafted.TABLE:
        function, size = handcrafted.TABLE[base]
        return size, function, np.stack, batch_size or BATCH_SIZES["CPU"]
    model = backbones.build(base, layer)
    n_rows = batch_size or BATCH_SIZES[backbones.accelerator()]

    def forward(pictures):
        # A smaller last batch would compile the network once more: fill it up.
        batch = np.zeros((n_rows, *pictures[0].shape), np.uint8)
        np.stack(pictures, out=batch[: len(pictures)])
        return np.asarray(model.predict_on_batch(batch))[: len(pictures)]

    return backbones.TABLE[base].input_size, _unchanged, forward, n_rows


def _codebook(image_set, progress):
    """Visual words, learnt from a sample of the pictures and of their descriptors."""
    generator = np.random.default_rng(0)
    n_pictures = min(len(image_set), handcrafted.CODEBOOK_PICTURES)
    indices = np.sort(generator.choice(len(image_set), n_pictures, replace=False))
    sample = []

    def keep(batch):
        for found in batch:
            order = generator.permutation(len(found))
            sample.append(found[order[: handcrafted.CODEBOOK_DESCRIPTORS]])
        return np.zeros((len(batch), 0))

    bar = {"desc": "bovw: codebook", "disable": not progress}
    how = (handcrafted.BOVW_SIZE, handcrafted.sift, keep, BATCH_SIZES["CPU"])
    collections.deque(_compute(image_set, indices.tolist(), *how, bar), maxlen=0)
    return handcrafted.fit_codebook(np.concatenate(sample))


def _spec(image_set, base, layer):
    """All that the features depend on besides the picture's bytes.

    The backend of Keras is left out: it changes no more than the last digits.
    """
    spec = {"base": base, "layer": layer, "recipe": RECIPE, "pillow": PIL.__version__}
    if base == "bovw":  # its words come from the pictures: it depends on the whole set
        spec |= {"image_set": image_set.fingerprint, "sklearn": sklearn.__version__}
    if base in handcrafted.NAMES:
        return spec | {"cv2": cv2.__version__, "skimage": skimage.__version__}
    return spec | {
        "keras": importlib.metadata.version("keras"),
        "weights": backbones.weights_digest(base, layer),
    }


def _unchanged(picture):
    return picture
