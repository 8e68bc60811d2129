"""From images to features: what a representation's name means, and who computes it.

A representation is named by one string: `raw`, `colour`, `hog`, `lbp`, `bovw`,
`bovw:tfidf`, `VGG19`, `VGG19:fc2`. The same call, `extract`, serves 200 images and a
million. Images are streamed: threads decode the next batches while the network works on
one, so a chunk of features and a few images are in memory. Finished chunks are kept at
once, so an interrupted extraction goes on where it stopped.

The file goes from the call to the work: `parse` and `extract`; the `Recipe`; an image
set with its cache; a stream with its folder of parts; running a network over images.
"""

import collections
import contextlib
import difflib
import functools
import hashlib
import importlib.metadata
import io
import json
import statistics
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import joblib
import numpy as np
import PIL
import sklearn

from course_utils._support import engines, files, keras
from course_utils._support.progress import progress_bar
from course_utils.images import decoding
from course_utils.images.decoding import BadPicture
from course_utils.representations import (
    backbones,
    feature_store,
    handcrafted,
    inference,
)
from course_utils.representations.cache import Store
from course_utils.representations.feature_store import (
    ABOUT,
    LISTING,
    FeatureParts,
    Folder,
    Part,
)
from course_utils.representations.inference import TooLarge

RECIPE = 2  # raise it when the course computes features differently

CHUNK = 128  # images in a chunk of features; divides or is divided by a batch
TASK = 256  # images that a worker of an engine gets at a time
AHEAD = 3  # batches in the works
BATCH_SIZE = 32  # images in a batch of handcrafted representations
N_THREADS = min(16, joblib.cpu_count())  # what this process may use
MAX_KEPT = 2**28  # bytes of decoded images that a comparison keeps

PRECISIONS = ("float32", "mixed_float16")
TOLERANCE = 0.002  # 1 − cosine of an image's features in half and in full precision

CODEBOOK = "_codebook.npy"  # the visual words of a folder of parts


def parse(representation):
    """Split the name of a representation into its base and its layer.

    Parameters
    ----------
    representation : str
        As "raw", "bovw:tfidf", "VGG19" or "VGG19:fc2".

    Returns
    -------
    base : str
    layer : str or None
        None if the name does not mention one.

    Raises
    ------
    ValueError
        If the name is not known; the message names the nearest ones.

    Examples
    --------
    >>> parse("VGG19:fc2")
    ('VGG19', 'fc2')
    >>> parse("raw")
    ('raw', None)
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


def spelled(representation):
    """The name of a representation with the course's capitals, its layer as it is.

    Examples
    --------
    >>> spelled("HOG"), spelled("squeezenet:fire9"), spelled("unknown")
    ('hog', 'SqueezeNet:fire9', 'unknown')
    """
    base, colon, layer = representation.strip().partition(":")
    known = {name.lower(): name for name in (*handcrafted.NAMES, *backbones.TABLE)}
    return known.get(base.lower(), base) + colon + layer


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
    """Features of every image, in the order of the images.

    Parameters
    ----------
    images : ImageSet or ImageStream
        A stream (`images.open_stream`) if there are too many images to be listed.
    representation : str
        See `parse`.
    batch_size : int, optional
        Images per step of the network; chosen for the device if None.
    precision : {"float32", "mixed_float16"}, optional
        Inside the network. By default half precision where there is a GPU; the cosine
        between the two is at least 1 − `extraction.TOLERANCE`.
    cache : bool
        False neither reads nor writes the cache. For image sets only.
    progress : bool
        Whether to show a progress bar on anything over two seconds.
    engine : str or distributed.Client, optional
        Where to work: None is this process, "dask:4" four processes, an address like
        "tcp://host:8786" a Dask scheduler. Its workers must find the images, and the
        folder `to`, at the same place as here.
    to : path, str or Folder, optional
        For a stream, the folder or fsspec address of the features (a
        `feature_store.Folder` where the address needs storage options). By default a
        folder in the cache.

    Returns
    -------
    ndarray of float32, shape (n_images, width), or FeatureParts
        For an ImageSet an array, on disk if it is large; for a stream a `FeatureParts`,
        which also knows what was left out.

    Raises
    ------
    ValueError
        For an unknown name or an empty set.
    WeightsUnavailable
        If the weights of a backbone are neither on disk nor downloadable.

    See Also
    --------
    backbone_table : the backbones.
    sklearn.feature_extraction.image : scikit-learn's own features of images.

    Examples
    --------
    >>> from course_utils import images
    >>> stamps = images.load("stamps").subset(range(3))
    >>> extract(stamps, "raw", cache=False).shape
    (3, 3072)
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
            "to= is for a stream (images.open_stream); the features of an image set "
            "are an array, and kept in the cache."
        )
    if layer == "tfidf" and base == "bovw":
        if is_stream:
            raise ValueError("bovw:tfidf weighs all pictures at once: take bovw.")
        bags = extract(images, base, cache=cache, progress=progress, engine=engine)
        return handcrafted.tf_idf(bags)
    chosen = choose_precision(base, precision)
    recipe = Recipe(base, (layer,), batch_size, chosen)
    if is_stream:
        return _stream(images, representation, recipe, engine, to, progress)
    (features,) = _whole(images, recipe, engine, cache, progress)
    return features


def _whole(*arguments):
    """`_image_set`, in full precision where half of it does not do."""
    image_set, recipe, *rest = arguments
    try:
        return _image_set(image_set, recipe, *rest)
    except TooLarge as error:
        warnings.warn(f"{error}: it is computed in float32 instead.", stacklevel=3)
        return _image_set(image_set, replace(recipe, precision="float32"), *rest)


def load_network(representation):
    """Load a network as `extract` runs it, to look at its work alone.

    Parameters
    ----------
    representation : str
        A network, perhaps with a layer, as "VGG19" or "VGG19:fc2".

    Returns
    -------
    network : callable
        From uint8 images (m, side, side, 3) to float32 features (m, width).
    side : int
        Pixels per side of the images that it is given.

    Raises
    ------
    ValueError
        For an unknown name, or a representation that is not a network.
    WeightsUnavailable
        If the weights are neither on disk nor downloadable.

    See Also
    --------
    extract : Also reads, decodes and keeps.
    build_backbone : The same network in Keras.

    Examples
    --------
    >>> network, side = load_network("SqueezeNet")
    >>> network(np.zeros((2, side, side, 3), np.uint8)).shape
    (2, 512)
    """
    base, layer = parse(representation)
    if base in handcrafted.NAMES:
        raise ValueError(f"{base} is computed without a network: name a network.")
    layers = inference.network(base, (layer,), precision=choose_precision(base))
    return lambda images: layers(images)[0], _size(base)


@dataclass(frozen=True, eq=False)
class Recipe:
    """How features are computed; small, so that it can be sent to another machine.

    layers: one, or several of a network that are computed together.
    weights: SHA-256 of the network's weights. With it a process keeps the network from
    one call to the next, and refuses to compute with other weights.
    codebook: the visual words of `bovw`, float32 (n_words, 128); else None.
    """

    base: str
    layers: tuple = (None,)
    batch_size: int | None = None
    precision: str = "float32"
    weights: str | None = None
    codebook: np.ndarray | None = None


def choose_precision(base, precision=None):
    """The precision to compute a representation in.

    None: mixed half precision where a GPU is there, which is about twice as fast on
    those with tensor cores; float32 on a CPU, where half precision only costs time.
    """
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(
            f"precision={precision!r}: choose one of {', '.join(PRECISIONS)}."
        )
    if base in handcrafted.NAMES:
        return "float32"
    if precision is None and _gpu():
        return "mixed_float16"
    return precision or "float32"


def _gpu():
    return keras.accelerator_in_sight() and keras.accelerator() == "GPU"


def _spec(images, recipe, layer):
    """All that the features of a layer depend on besides the picture's bytes.

    OpenVINO and the backend of Keras are left out: they change the last digits only.
    """
    base = recipe.base
    spec = {"base": base, "layer": layer, "recipe": RECIPE, "pillow": PIL.__version__}
    if base == "bovw":  # its words come from the pictures: it depends on the whole set
        whole = getattr(images, "fingerprint", None) or images.address
        spec |= {"image_set": whole, "sklearn": sklearn.__version__}
    if base in handcrafted.NAMES:
        return spec | {"cv2": cv2.__version__}
    if recipe.precision != "float32":
        spec["precision"] = recipe.precision
    return spec | {
        "keras": importlib.metadata.version("keras"),
        "weights": backbones.weights_digest(base, layer),
    }


def _image_set(image_set, recipe, engine, cache, progress, pictures=None):
    """The features of an image set, or where the recipe has several layers a list.

    pictures: where decoded images come from, if not from the set itself.
    """
    if not len(image_set):
        raise ValueError(f"{image_set.name} holds no picture: there are no features.")
    places = collections.defaultdict(list)  # of each distinct image
    for place, digest in enumerate(image_set.digests):
        places[digest].append(place)
    tables = []
    for layer in recipe.layers:
        name = f"{recipe.base}:{layer}" if layer else recipe.base
        spec = _spec(image_set, recipe, layer) if cache or engine is not None else {}
        store = Store(name, spec) if cache else None
        tables.append(_Table(places, len(image_set), store))
    lacking = set().union(*(places.keys() - table.found for table in tables))
    missing = [first for digest, (first, *_) in places.items() if digest in lacking]
    if missing:
        if recipe.base == "bovw":
            codebook = learn_codebook(pictures or image_set, progress)
            recipe = replace(recipe, codebook=codebook)
        layers = ", ".join(filter(None, recipe.layers))
        what = f"{recipe.base}:{layers}" if layers else recipe.base
        how = {"what": what, "progress": progress}
        if engine is None:
            chunks = compute(pictures or image_set, missing, recipe, **how)
        else:
            recipe = replace(recipe, weights=spec.get("weights"))
            chunks = _spread(image_set, missing, recipe, engine, **how)
        for indices, blocks in chunks:
            digests = [image_set.digests[index] for index in indices]
            for table, rows in zip(tables, blocks, strict=True):
                table.add(digests, rows)
    return [table.features for table in tables]


class _Table:
    """The features of one representation, filled from its store and then further.

    places: {digest of an image: its rows}.
    """

    def __init__(self, places, n_images, store):
        self.places, self.n_images, self.store = places, n_images, store
        self.features, self.found = None, set()
        for digests, rows in store.chunks() if store else ():
            self._put(digests, rows)

    def add(self, digests, rows):
        """Put in what has been computed, and keep it."""
        fresh = [i for i, digest in enumerate(digests) if digest not in self.found]
        if fresh:  # another layer may have lacked an image that is here
            digests, rows = [digests[i] for i in fresh], rows[fresh]
            self._put(digests, rows)
            if self.store:
                self.store.write(digests, rows)

    def _put(self, digests, rows):
        pairs = [
            (place, row)
            for row, digest in enumerate(digests)
            for place in self.places.get(digest, ())
        ]
        if pairs:
            if self.features is None:
                self.features = files.rows(self.n_images, rows.shape[1])
            where, which = zip(*pairs, strict=True)
            self.features[list(where)] = rows[list(which)]
            self.found.update(digests)


class Comparison:
    """`extract` for several representations of one image set, which share work.

    Images are decoded once for each size, as far as `MAX_KEPT` goes, and the layers of
    one network are computed together. representations: the names to be asked for.
    """

    def __init__(self, image_set, representations):
        self.image_set, self.ready = image_set, {}
        self.together = collections.defaultdict(list)  # layers, of a network's weights
        for base, layer in dict.fromkeys(map(parse, representations)):
            if (base, layer) != ("bovw", "tfidf"):  # which is made of bovw
                self.together[_network_of(base, layer)].append(layer)
        sizes = collections.Counter(_size(base) for base, _ in self.together)
        if ("bovw", None) in self.together:  # looks at its images twice
            sizes[handcrafted.BOVW_SIZE] += 1
        self.pictures = _Pictures(image_set, {s for s in sizes if sizes[s] > 1})
        networks = [pair for pair in self.together if pair[0] in backbones.TABLE]
        if len(self.together) > 1:  # there is other work meanwhile
            inference.prepare((base, self.together[base, w][0]) for base, w in networks)

    def extract(self, representation, progress=True):
        """What `extract` gives and raises."""
        base, layer = parse(representation)
        if base == "bovw" and layer:
            return handcrafted.tf_idf(self.extract(base, progress))
        if layer not in self.ready.get(base, ()):
            layers = self.together.pop(_network_of(base, layer), ())
            layers = tuple(layers) if layer in layers else (layer,)
            try:
                found = self._compute(base, layers, progress)
            except ValueError:
                if len(layers) == 1:
                    raise
                layers = (layer,)  # it may be another one that does not exist
                found = self._compute(base, layers, progress)
            self.ready = {base: dict(zip(layers, found, strict=True))}
        return self.ready[base][layer]

    def _compute(self, base, layers, progress):
        recipe = Recipe(base, layers, precision=choose_precision(base))
        return _whole(self.image_set, recipe, None, True, progress, self.pictures)


def _network_of(base, layer):
    """What representations share that are computed together."""
    if base in handcrafted.NAMES:
        return base, None
    return base, backbones.weights_file(base, layer)


def _size(base):
    """Side of the square images that a representation is given, in pixels."""
    if base == "bovw":
        return handcrafted.BOVW_SIZE
    if base in handcrafted.HANDCRAFTED:
        return handcrafted.HANDCRAFTED[base][1]
    return backbones.TABLE[base].input_size


class _Pictures:
    """An image set that decodes images of some sizes once, while there is room."""

    def __init__(self, image_set, sizes):
        self.image_set, self.sizes = image_set, sizes
        self.kept, self.room, self.lock = {}, MAX_KEPT, threading.Lock()

    def __len__(self):
        return len(self.image_set)

    def picture(self, index, size):
        if (index, size) in self.kept:
            return self.kept[index, size]
        found = self.image_set.picture(index, size)
        if size in self.sizes:
            with self.lock:
                if found.nbytes <= self.room and (index, size) not in self.kept:
                    self.kept[index, size] = found
                    self.room -= found.nbytes
        return found


def _spread(image_set, indices, recipe, engine, what, progress):
    """`compute` by an engine; chunks come as they are finished.

    A task is cut where one process would begin a batch, so every batch holds the same
    images, and on equal machines the features are the same to the last bit.
    """
    size = max(TASK, recipe.batch_size or 0)
    chunks = (indices[i : i + size] for i in range(0, len(indices), size))
    tasks = ((chunk, image_set.subset(chunk)) for chunk in chunks)
    function = functools.partial(_chunk, recipe)
    with progress_bar(len(indices), what, progress) as bar:
        for (chunk, _), blocks in engines.spread(function, tasks, engine):
            yield chunk, blocks
            bar.update(len(chunk))


def _chunk(recipe, task):
    """On a worker: the features of a small image set."""
    _, image_set = task
    every = range(len(image_set))
    return inference.joined(blocks for _, blocks in compute(image_set, every, recipe))


def _stream(stream, representation, recipe, engine, to, progress):
    spec = _spec(stream, recipe, *recipe.layers)
    recipe = replace(recipe, weights=spec.get("weights"))
    about = {
        "image_set": stream.name,
        "representation": representation,
        "depends_on": spec | {"batch_size": recipe.batch_size},
    }
    if to is None:
        key = files.digest(json.dumps([stream.address, about], sort_keys=True))[:12]
        name = f"{representation.replace(':', '--')}-{key}"
        to = files.cache_dir() / "parts" / name
    try:
        return _fill(stream, to, recipe, about, engine, progress)
    except TooLarge as error:  # parts of both kinds must not be mixed
        raise ValueError(
            f"{error}: give precision='float32', and another folder to write to."
        ) from error


def _fill(stream, to, recipe, about, engine, progress):
    """Compute the parts of a stream that are missing in a folder; returns FeatureParts.

    about: what the features depend on. Raises ValueError if the folder holds others.
    """
    folder = Folder.at(to)
    _claim(folder, about)
    if recipe.base == "bovw":
        recipe = replace(recipe, codebook=_codebook(folder, stream, progress))
    names, seen = [], {}
    here = folder.names()

    def unfinished():
        for part in stream.parts():
            name = f"part-{part.number:06d}-{part.key[:16]}.parquet"
            names.append(name)
            if name in here:
                summary = feature_store.summary(folder, name)
                if summary:
                    seen[name] = summary
                    bar.update(sum(summary[:2]))
                    continue
            yield name, part

    function = functools.partial(_part, folder, recipe)
    with progress_bar(None, about["representation"], progress) as bar:
        for (name, _), summary in engines.spread(function, unfinished(), engine):
            seen[name] = summary
            bar.update(sum(summary[:2]))
            counts = {"parts": len(seen), "left_out": _total(seen, 1)}
            bar.set_postfix(counts, refresh=False)
    if not _total(seen, 0):
        listed = next((_reasons(folder, name) for name in names), "")
        raise ValueError(f"{stream.name} holds no picture that can be read.{listed}")
    listing = {
        "width": max(width for _, _, width in seen.values()),
        "parts": [(name, *seen[name][:2]) for name in names],
    }
    folder.write(LISTING, json.dumps(listing).encode())
    _remove_stale(folder, names)
    return FeatureParts(folder.address, storage_options=dict(folder.storage_options))


def _remove_stale(folder, names):
    """Remove parts of an earlier state: readers of the folder would have them twice."""
    parts = {name for name in folder.names() if feature_store.PART.fullmatch(name)}
    folder.remove(parts.difference(names))
    if "depends_on" in (folder.json(feature_store.OLD_ABOUT) or {}):
        folder.remove(set(feature_store.OLD))


def _codebook(folder, stream, progress):
    """The visual words; kept, since all parts, of later calls too, need the same."""
    with contextlib.suppress(FileNotFoundError, ValueError, EOFError):
        return np.load(io.BytesIO(folder.read(CODEBOOK)), allow_pickle=False)
    sample = stream.sample(handcrafted.CODEBOOK_PICTURES)
    codebook = learn_codebook(sample, progress)
    file = io.BytesIO()
    np.save(file, codebook, allow_pickle=False)
    folder.write(CODEBOOK, file.getvalue())
    return codebook


def _claim(folder, about):
    """Note what the folder is for; raise ValueError if it is for something else."""
    old = folder.json(feature_store.OLD_ABOUT) or {}
    claimed = folder.json(ABOUT)
    before = claimed or ("depends_on" in old and old)
    if before and before != about:
        old, new = before.get("depends_on", {}), about["depends_on"]
        other = [key for key in new if old.get(key) != new[key]]
        raise ValueError(
            f"{folder.address} holds {before.get('representation')} of "
            f"{before.get('image_set')}{', with another ' * bool(other)}"
            f"{', '.join(other)}: choose another folder, or empty it."
        )
    if not claimed:
        folder.write(ABOUT, json.dumps(about, indent=1).encode())


def _part(folder, recipe, task):
    """On a worker: compute one part and write it; returns its summary."""
    name, part = task
    before = feature_store.summary(folder, name)
    if before:  # written by a worker that died before it could say so
        return before
    items, problems = part.look()
    source = _Items(items)
    damaged, rows, kept = {}, [], []
    chunks = compute(source, range(len(items)), recipe, damaged=damaged)
    for indices, (block,) in chunks:
        kept += indices
        rows.append(block)
    problems = [*problems, *((items[i].image, damaged[i]) for i in sorted(damaged))]
    found = Part(
        images=[items[i].image for i in kept],
        digests=[source.digests[i] for i in kept],
        labels=[items[i].label for i in kept],
        captions=[items[i].caption for i in kept],
        features=np.concatenate(rows) if rows else np.empty((0, 0), np.float32),
        problems=[tuple(problem) for problem in problems],
    )
    folder.write(name, feature_store.to_parquet(found))
    return len(kept), len(problems), found.features.shape[1]


class _Items:
    """The items of a part as `compute` wants images."""

    def __init__(self, items):
        self.items = items
        self.digests = {}

    def picture(self, index, size):
        data = self.items[index].read()
        self.digests[index] = hashlib.sha256(data).hexdigest()
        return decoding.decode(data, size)


def _total(seen, place):
    return sum(summary[place] for summary in seen.values())


def _reasons(folder, name):
    problems = feature_store.from_parquet(folder.read(name)).problems[:5]
    return "".join(f"\n  {image}: {reason}" for image, reason in problems)


@dataclass(frozen=True)
class _Steps:
    """What is done to images; per_image in many threads, per_batch in this one.

    size: the side of the square images that per_image is given. per_batch: from a list
    of what per_image gives to a list of arrays, one for each layer. network: whether it
    runs one.
    """

    size: int
    per_image: Callable
    per_batch: Callable
    batch_size: int
    network: bool = False


def compute(pictures, indices, recipe, *, damaged=None, what="", progress=False):
    """Yield (indices, blocks) chunk by chunk: list of int, list of float32 (m, width).

    pictures: has `picture(index, size)`, a square uint8 RGB array; it is called in many
    threads. indices: which, in order. Blocks: one for each layer of the recipe.
    damaged: a dict that collects {index: reason} of images that cannot be read, which
    are left out; if None, the first one raises. what: the words before the progress
    bar. Raises TooLarge.
    """
    steps = _steps(recipe, progress)
    yield from _run(pictures, indices, steps, damaged, what, progress)


def _run(pictures, indices, steps, damaged=None, what="", progress=False):
    """`compute` for these steps."""
    speeds = _Speeds()

    def work(index):
        try:
            with speeds.timing("decoding"):
                picture = pictures.picture(index, steps.size)
            return steps.per_image(picture)
        except (BadPicture, OSError) as error:
            if damaged is None:
                raise
            damaged[index] = getattr(error, "strerror", None) or str(error)
            return None

    size = steps.batch_size
    batches = [indices[i : i + size] for i in range(0, len(indices), size)]
    waiting, chunk, found = collections.deque(), [], []
    pool = ThreadPoolExecutor(N_THREADS)
    with pool, progress_bar(len(indices), what, progress) as bar:
        try:
            for turn in range(len(batches) + AHEAD):
                if turn < len(batches):
                    waiting.append([pool.submit(work, i) for i in batches[turn]])
                if turn < AHEAD:
                    continue
                batch = batches[turn - AHEAD]
                done = [future.result() for future in waiting.popleft()]
                good = [i for i, image in enumerate(done) if image is not None]
                if good:
                    with speeds.timing("network", len(good)):
                        found.append(steps.per_batch([done[i] for i in good]))
                    chunk += [batch[i] for i in good]
                if steps.network:
                    bar.set_postfix_str(speeds.sentence(), refresh=False)
                bar.update(len(batch))
                last = turn == len(batches) + AHEAD - 1
                if chunk and (last or len(chunk) >= CHUNK):
                    yield chunk, inference.joined(found)
                    chunk, found = [], []
        finally:
            pool.shutdown(cancel_futures=True)


class _Speeds:
    """Who waits for whom, the network or the threads that decode images?

    Of the last ones only, so that it takes no longer, and no more room, with time.
    """

    def __init__(self):
        last = functools.partial(collections.deque, maxlen=256)
        self.spent = {"decoding": last(), "network": last()}  # seconds for an image

    @contextlib.contextmanager
    def timing(self, what, n_images=1):
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent[what].append((time.perf_counter() - started) / n_images)

    def sentence(self):
        """What both could do alone, in images per second, and which is the slower."""
        decoding, network = map(
            list, self.spent.values()
        )  # which threads go on filling
        threads = N_THREADS / max(statistics.fmean(decoding), 1e-9)
        said = f"decoding {threads:,.0f}/s"
        if network:  # the median: the first batch may be much slower
            network = 1 / max(statistics.median(network), 1e-9)
            slower = "decoding" if threads < network else "network"
            said += f", network {network:,.0f}/s: {slower} is the bottleneck"
        return said


def _steps(recipe, progress):
    base = recipe.base
    if base in handcrafted.NAMES:
        if base == "bovw":
            per_image = _bag_of(recipe.codebook)
        else:
            per_image, _ = handcrafted.HANDCRAFTED[base]
        batch_size = recipe.batch_size or BATCH_SIZE
        return _Steps(_size(base), per_image, _one_block, batch_size)
    network = inference.network(
        base,
        recipe.layers,
        batch_size=recipe.batch_size,
        precision=recipe.precision,
        weights=recipe.weights,
        progress=progress,
    )

    def forward(pictures):
        return network(np.stack(pictures))

    size = network.batch_size
    return _Steps(_size(base), lambda picture: picture, forward, size, network=True)


def _one_block(rows):
    return [np.stack(rows)]


def _bag_of(codebook):
    return lambda p: handcrafted.bag_of_words(handcrafted.sift(p), codebook)


def learn_codebook(image_set, progress=False):
    """Visual words, learnt from a sample of the images and of their descriptors."""
    generator = np.random.default_rng(0)
    n_images = min(len(image_set), handcrafted.CODEBOOK_PICTURES)
    indices = np.sort(generator.choice(len(image_set), n_images, replace=False))
    sample = []

    def keep(batch):
        for found in batch:
            order = generator.permutation(len(found))
            sample.append(found[order[: handcrafted.CODEBOOK_DESCRIPTORS]])
        return []

    steps = _Steps(handcrafted.BOVW_SIZE, handcrafted.sift, keep, BATCH_SIZE)
    what = "bovw: codebook"
    for _ in _run(image_set, indices.tolist(), steps, None, what, progress):
        pass
    return handcrafted.fit_codebook(np.concatenate(sample))
