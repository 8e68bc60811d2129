"""Filling a folder of feature parts: which are missing, and computing one of them."""

import contextlib
import functools
import hashlib
import io
import json
from dataclasses import replace

import numpy as np
from tqdm.auto import tqdm

from course_utils import engines, extraction, feature_parts, handcrafted, pictures
from course_utils.feature_parts import ABOUT, LISTING, FeatureParts, Folder, Part

CODEBOOK = "codebook.npy"


def fill(stream, to, recipe, about, engine, progress):
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
                summary = feature_parts.summary(folder, name)
                if summary:
                    seen[name] = summary
                    shown.update(sum(summary[:2]))
                    continue
            yield name, part

    function = functools.partial(_part, folder, recipe)
    bar = {"desc": about["representation"], "unit": " pictures", "delay": 2}
    with tqdm(**bar, disable=not progress) as shown:
        for (name, _), summary in engines.spread(function, unfinished(), engine):
            seen[name] = summary
            shown.update(sum(summary[:2]))
            counts = {"parts": len(seen), "left_out": _total(seen, 1)}
            shown.set_postfix(counts, refresh=False)
    if not _total(seen, 0):
        listed = next((_reasons(folder, name) for name in names), "")
        raise ValueError(f"{stream.name} holds no picture that can be read.{listed}")
    listing = {
        "width": max(width for _, _, width in seen.values()),
        "parts": [(name, *seen[name][:2]) for name in names],
    }
    folder.write(LISTING, json.dumps(listing).encode())
    return FeatureParts(folder.address, storage_options=dict(folder.storage_options))


def _codebook(folder, stream, progress):
    """The visual words; kept, since all parts, of later calls too, need the same."""
    with contextlib.suppress(FileNotFoundError, ValueError, EOFError):
        return np.load(io.BytesIO(folder.read(CODEBOOK)), allow_pickle=False)
    sample = stream.sample(handcrafted.CODEBOOK_PICTURES)
    codebook = extraction.learn_codebook(sample, progress)
    file = io.BytesIO()
    np.save(file, codebook, allow_pickle=False)
    folder.write(CODEBOOK, file.getvalue())
    return codebook


def _total(seen, place):
    return sum(summary[place] for summary in seen.values())


def _reasons(folder, name):
    problems = feature_parts.from_parquet(folder.read(name)).problems[:5]
    return "".join(f"\n  {image}: {reason}" for image, reason in problems)


def _claim(folder, about):
    """Note what the folder is for; raise ValueError if it is for something else."""
    before = folder.json(ABOUT)
    if before is None:
        folder.write(ABOUT, json.dumps(about, indent=1).encode())
    elif before != about:
        old, new = before.get("depends_on", {}), about["depends_on"]
        other = [key for key in new if old.get(key) != new[key]]
        raise ValueError(
            f"{folder.address} holds {before.get('representation')} of "
            f"{before.get('image_set')}{', with another ' * bool(other)}"
            f"{', '.join(other)}: choose another folder, or empty it."
        )


def _part(folder, recipe, task):
    """On a worker: compute one part and write it; returns its summary."""
    name, part = task
    before = feature_parts.summary(folder, name)
    if before:  # written by a worker that died before it could say so
        return before
    items, problems = part.look()
    source = _Items(items)
    damaged, rows, kept = {}, [], []
    for indices, block in extraction.compute(
        source, range(len(items)), recipe, damaged=damaged
    ):
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
    folder.write(name, feature_parts.to_parquet(found))
    return len(kept), len(problems), found.features.shape[1]


class _Items:
    """The items of a part as `extraction.compute` wants pictures."""

    def __init__(self, items):
        self.items = items
        self.digests = {}

    def picture(self, index, size):
        data = self.items[index].read()
        self.digests[index] = hashlib.sha256(data).hexdigest()
        return pictures.decode(data, size)
