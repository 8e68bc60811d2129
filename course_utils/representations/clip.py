"""CLIP: images and nouns as vectors in one space, by KerasHub.

CLIP has two networks, one for images and one for texts, trained on 400 million images
from the web with their captions, so that the vectors of an image and of a text that
fits it point in the same direction. Optional: `pip install keras-hub`. Source: Radford
et al., *Learning transferable visual models from natural language supervision*, ICML
2021.
"""

import functools
import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.preprocessing import normalize

from course_utils._support import downloads, files
from course_utils._support.keras import computing_in, import_keras
from course_utils._support.progress import progress_bar
from course_utils.representations import hub, inference
from course_utils.representations.cache import Store

PRESET = "clip_vit_base_patch32"  # 151 million parameters, 600 MB

PROMPT = "a photo of a {}"  # of SIC

TAC_PROMPTS = (  # averaged by TAC; from the CLIP authors' list for ImageNet
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)

CHUNK = 4096  # rows in a file of the cache


@dataclass(frozen=True, eq=False)
class Clip:
    """A CLIPBackbone of KerasHub and the CLIPPreprocessor that belongs to it."""

    backbone: object
    preprocessor: object

    @functools.cached_property
    def key(self):
        """One SHA-256 for the weights, the vocabulary and the preprocessing."""
        parts = [files.array_digest(w) for w in self.backbone.get_weights()]
        tokenizer = self.preprocessor.tokenizer
        parts += [
            sorted(tokenizer.vocabulary.items()),
            list(map(str, tokenizer.merges)),
        ]
        config = self.preprocessor.image_converter.get_config()
        parts += [self.preprocessor.sequence_length, config.get("scale")]
        parts += [config.get("offset"), importlib.metadata.version("keras-hub")]
        return files.digest(json.dumps(parts, default=repr))

    @property
    def size(self):
        """Side of its square images, in pixels."""
        return self.backbone.vision_encoder.image_shape[0]


def load_clip(preset=PRESET):
    """Load a pretrained CLIP.

    Parameters
    ----------
    preset : str
        A preset of KerasHub, downloaded once and kept by KerasHub (600 MB for the
        default); or a folder with one.

    Returns
    -------
    Clip
        For `picture_vectors` and `noun_vectors`.

    Raises
    ------
    ImportError
        Without the package keras-hub.
    DownloadError
        If the preset cannot be downloaded.

    References
    ----------
    Radford et al., *Learning transferable visual models from natural language
    supervision*, ICML 2021.

    Examples
    --------
    >>> model = load_clip()  # doctest: +SKIP
    """
    keras_hub = hub.import_keras_hub("CLIP")
    if not _is_here(preset):
        try:
            hub.check_reachable()
        except downloads.DownloadError as error:
            raise downloads.DownloadError(
                f"CLIP ({preset}) is not here, and {error}. It comes by itself as soon "
                "as that works."
            ) from error
    try:
        with computing_in("float32"):
            backbone = keras_hub.models.CLIPBackbone.from_preset(preset)
            preprocessor = keras_hub.models.CLIPPreprocessor.from_preset(preset)
    except Exception as error:  # KerasHub and Kaggle raise nearly every kind
        raise downloads.DownloadError(
            f"CLIP ({preset}) could not be had: {type(error).__name__}: {error}"
        ) from error
    return Clip(backbone, preprocessor)


def picture_vectors(image_set, model, *, batch_size=64, cache=True, progress=True):
    """CLIP's vectors of images.

    As CLIP wants it, the middle square of each image is taken.

    Parameters
    ----------
    image_set : ImageSet
    model : Clip
        See `load_clip`.
    batch_size : int
        Images per step of the network.
    cache : bool
        False neither reads nor writes the cache.
    progress : bool
        Whether to show a progress bar on anything over two seconds.

    Returns
    -------
    ndarray of float64, shape (n_images, d)
        Rows of length 1, in the set's order.

    See Also
    --------
    noun_vectors : texts in the same space.

    Examples
    --------
    >>> vectors = picture_vectors(stamps, load_clip())  # doctest: +SKIP
    """
    keras = import_keras()

    def build():
        with computing_in("float32"):
            pictures = keras.Input(model.backbone.vision_encoder.image_shape)
            vectors = model.backbone.get_vision_embeddings(pictures)
            return keras.Model(pictures, vectors), [""]

    network = inference.network_of(
        "CLIP", {"model": model.key}, build, batch_size, progress
    )

    def compute(places):
        batch = np.stack([_square(image_set.picture(i), model.size) for i in places])
        batch = model.preprocessor.image_converter(batch.astype(np.float32))
        return network(np.asarray(batch))[0]

    digests = list(image_set.digests)
    rows = _vectors("pictures", digests, compute, model, batch_size, cache, progress)
    return normalize(rows)


def noun_vectors(
    nouns, model, *, prompts=PROMPT, batch_size=256, cache=True, progress=True
):
    """CLIP's vectors of nouns, in the same space as `picture_vectors`.

    A noun is put into a prompt, since CLIP has learnt from captions. Of several
    prompts, the vectors are averaged, as TAC does it: before they are scaled.

    Parameters
    ----------
    nouns : sequence of str
    model : Clip
        See `load_clip`.
    prompts : str or sequence of str
        With {} where the noun goes; `TAC_PROMPTS` are those of TAC.
    batch_size : int
        Nouns per step of the network.
    cache : bool
        False neither reads nor writes the cache.
    progress : bool
        Whether to show a progress bar on anything over two seconds.

    Returns
    -------
    ndarray of float64, shape (n_nouns, d)
        Rows of length 1.

    See Also
    --------
    wordnet_nouns : 82,000 of them.

    Examples
    --------
    >>> vectors = noun_vectors(["owl", "coin"], load_clip())  # doctest: +SKIP
    """
    keras = import_keras()
    prompts = [prompts] if isinstance(prompts, str) else list(prompts)
    texts = [prompt.format(noun) for prompt in prompts for noun in nouns]
    with computing_in("float32"):
        tokens = keras.Input((None,), dtype="int32")
        network = keras.Model(tokens, model.backbone.get_text_embeddings(tokens))
    network = inference.OnKeras(network, batch_size)

    def compute(places):
        chosen = {"prompts": [texts[i] for i in places], "images": None}
        return network(np.asarray(model.preprocessor(chosen)["token_ids"]))[0]

    digests = [files.digest(text) for text in texts]
    rows = _vectors("nouns", digests, compute, model, batch_size, cache, progress)
    return normalize(rows.reshape(len(prompts), len(nouns), -1).mean(axis=0))


def _vectors(what, digests, compute, model, batch_size, cache, progress):
    """Rows for the digests, from the cache or else computed batch by batch."""
    if not digests:
        raise ValueError(f"there are no {what}.")
    identity = {"model": model.key, "length": "as the network gives it"}
    store = Store(f"CLIP:{what}", identity) if cache else None
    wanted, rows = set(digests), {}
    for found, vectors in store.chunks() if store else ():
        rows.update((d, v) for d, v in zip(found, vectors, strict=True) if d in wanted)
    first = {digest: place for place, digest in reversed(list(enumerate(digests)))}
    missing = sorted(first[digest] for digest in wanted if digest not in rows)
    with progress_bar(len(missing), f"CLIP: {what}", progress, what) as bar:
        for start in range(0, len(missing), CHUNK):
            chunk, fresh = missing[start : start + CHUNK], []
            for begin in range(0, len(chunk), batch_size):
                places = chunk[begin : begin + batch_size]
                fresh.append(np.asarray(compute(places)))
                bar.update(len(places))
            fresh = np.concatenate(fresh)
            names = [digests[place] for place in chunk]
            rows.update(zip(names, fresh, strict=True))
            if store:
                store.write(names, fresh)
    return np.stack([rows[digest] for digest in digests]).astype(np.float64)


def _square(picture, size):
    """The middle square of a picture, size × size (bicubic, antialiased)."""
    image = Image.fromarray(picture)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    middle = image.crop((left, top, left + side, top + side))
    return np.asarray(middle.resize((size, size), Image.Resampling.BICUBIC))


def _is_here(preset):
    """Whether KerasHub has the preset already, or it is a folder."""
    kept = hub.preset_folder(f"keras/clip/keras/{preset}")
    return Path(preset).is_dir() or any(kept.rglob("*.h5"))
