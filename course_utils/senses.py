"""The senses of a search: biggest clusters, their medoids, near-duplicates.

What pictures a search gives for an ambiguous word falls into groups, one a sense. Here
the distance of two pictures is the cosine distance of their features, 1 − cos of the
angle between them: 0 for the same direction, 1 for nothing in common, 2 for opposites.
No table of all pairs is kept: what is in memory grows with the number of pictures.
"""

import collections
import difflib
import re
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from sklearn.preprocessing import normalize

from course_utils.clustering import renumber

BLOCK_PAIRS = 2_000_000  # distances in memory at a time
MARGIN, TEXT = 4, 18  # of a contact sheet, in pixels


def search_captions(image_set, *words):
    """The pictures whose captions hold one of these words, as an image set.

    Whole words, in capitals or not, and plurals in -s or -es: `star` finds `A star`
    and `Two stars`, not `starfish`. A word may be several, `hot air`.
    Raises ValueError if there are no captions or none holds a word.
    """
    if image_set.captions is None:
        raise ValueError(f"{image_set.name} has no captions to search in.")
    wanted = [" ".join(_words(word)) for word in words]
    if not wanted or not all(wanted):
        raise ValueError(f"search_captions{words}: give one word or more.")
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, wanted))})(s|es)?\b")
    captions = [" ".join(_words(caption)) for caption in image_set.captions]
    found = [i for i, caption in enumerate(captions) if pattern.search(caption)]
    if not found:
        known = sorted({word for caption in captions for word in caption.split()})
        near = difflib.get_close_matches(wanted[0], known, n=3)
        hint = f": did you mean {' or '.join(near)}?" if near else "."
        raise ValueError(f"no caption of {image_set.name} holds {wanted[0]!r}{hint}")
    return replace(image_set.subset(found), name=", ".join(wanted))


def word_counts(image_set):
    """In how many captions each word stands: a Counter, capitals made small."""
    return collections.Counter(
        word for caption in image_set.captions for word in set(_words(caption))
    )


def _words(text):
    return re.findall(r"[^\W_]+", text.lower())


def top_clusters(cluster_labels, n=None):
    """The n biggest clusters (all if None), biggest first: int array of their labels.

    Noise (-1) is no cluster. Of clusters of one size, the lower label comes first.
    """
    clusters, sizes = np.unique(cluster_labels, return_counts=True)
    clusters, sizes = clusters[clusters != -1], sizes[clusters != -1]
    return clusters[np.lexsort((clusters, -sizes))][:n].astype(int)


def medoids(features, cluster_labels):
    """The most typical picture of each cluster: {cluster label: index of the picture}.

    The medoid is the picture with the least mean distance to the others of its own;
    of equally good ones it is the first. Unlike a centre it is a picture. Noise has
    none. The sum of all cosines of a picture is one product with the cluster's sum, so
    no pairs are needed. Source: Kaufman and Rousseeuw, *Clustering by means of medoids*
    (1987).
    """
    directions, cluster_labels = _directions(features), np.asarray(cluster_labels)
    if cluster_labels.shape != (len(directions),):
        raise ValueError(
            f"{len(directions)} pictures, but labels of shape {cluster_labels.shape}."
        )
    found = {}
    for cluster in top_clusters(cluster_labels):
        members = np.flatnonzero(cluster_labels == cluster)
        own = directions[members]
        cosines = own @ own.sum(axis=0) - (own**2).sum(axis=1)  # without itself
        best = np.round(cosines, 9).argmax()  # rounded: ties go to the first
        found[int(cluster)] = int(members[best])
    return found


def nearest_distances(features):
    """The distance of each picture to the one nearest to it: float array (n,)."""
    directions = _directions(features)
    nearest = np.full(len(directions), np.inf)
    for start, stop in _blocks(len(directions), at_least=2):
        distances = _cosine_distances(directions[start:stop], directions)
        distances[np.arange(stop - start), np.arange(start, stop)] = np.inf
        nearest[start:stop] = distances.min(axis=1)
    return nearest


def links(features):
    """The n − 1 shortest links that join all pictures, shortest first.

    Returns (pairs, distances): int array (n − 1, 2) and float array (n − 1,). This is
    the minimum spanning tree: up to any threshold it joins the same pictures as all the
    pairs up to that threshold do. It is kept up to date block by block. Source: Gower
    and Ross, *Minimum spanning trees and single linkage cluster analysis*, 1969.
    """
    directions = _directions(features)
    n_images = len(directions)
    rows, columns, lengths = (np.empty(0, kind) for kind in (int, int, float))
    for start, stop in _blocks(n_images, at_least=1):
        distances = _cosine_distances(directions[start:stop], directions[start:])
        above = np.arange(start, n_images) > np.arange(start, stop)[:, None]
        block_rows, block_columns = np.nonzero(above)
        edges = (
            np.concatenate([rows, block_rows + start]),
            np.concatenate([columns, block_columns + start]),
        )
        # + 1, since a length of 0 means "no edge" to scipy
        weights = np.concatenate([lengths, distances[above]]) + 1
        graph = sparse.coo_array((weights, edges), shape=(n_images, n_images))
        tree = minimum_spanning_tree(graph.tocsr()).tocoo()
        rows, columns, lengths = tree.row, tree.col, tree.data - 1
    order = np.lexsort((columns, rows, lengths))
    return np.column_stack([rows, columns])[order].astype(int), lengths[order]


def duplicate_curve(features, thresholds):
    """How many pictures are left at each threshold, one a group: int array."""
    _, distances = links(features)
    return len(features) - np.searchsorted(distances, thresholds, side="right")


def duplicate_groups(features, threshold):
    """Groups of near-duplicates: int array (n,), numbered in the order of the pictures.

    Two pictures at most `threshold` apart are in one group, and so is a chain of such
    pictures, whose ends may be further apart.
    """
    pairs, distances = links(features)
    near = pairs[distances <= threshold]
    n_images = len(features)
    graph = sparse.coo_array((np.ones(len(near)), near.T), shape=(n_images, n_images))
    _, groups = connected_components(graph, directed=False)
    return renumber(groups)


def without_duplicates(features, threshold, prefer=None):
    """Indices of the pictures to keep, one of each group of near-duplicates, in order.

    prefer: a number a picture, like its pixels; the highest of a group is kept. Without
    it, or where it is equal, the first is: a search puts the better match first.
    """
    groups = duplicate_groups(features, threshold)
    prefer = np.zeros(len(groups)) if prefer is None else np.asarray(prefer)
    if prefer.shape != groups.shape:
        raise ValueError(f"{len(groups)} pictures, but prefer has {prefer.shape}.")
    best_first = np.lexsort((np.arange(len(groups)), -prefer, groups))
    _, first = np.unique(groups[best_first], return_index=True)
    return np.sort(best_first[first])


def contact_sheet(image_set, groups, *, size=96, n_columns=10):
    """Small pictures on one sheet: an image of PIL, to show or `.save("sheet.png")`.

    groups: {text: indices}, each under its text; or the indices of one group. A group
    goes on in a new row after n_columns pictures.
    """
    if not isinstance(groups, dict):
        groups = {"": groups}
    groups = {  # a caption may hold line ends
        " ".join(text.split()): [int(i) for i in indices]
        for text, indices in groups.items()
    }
    step = size + MARGIN
    heights = [
        TEXT * bool(text) + step * -(-len(indices) // n_columns)
        for text, indices in groups.items()
    ]
    longest = max(map(len, groups.values()), default=0)
    width = max(step * min(n_columns, longest), 1)
    font = ImageFont.load_default(13)
    texts = [round(font.getlength(text)) + MARGIN for text in groups]
    sheet = Image.new(
        "RGB", (max(width, *texts) + MARGIN, sum(heights) + MARGIN), "white"
    )
    draw, top = ImageDraw.Draw(sheet), MARGIN
    for (text, indices), height in zip(groups.items(), heights, strict=True):
        draw.text((MARGIN, top), text, fill="black", font=font)
        for place, index in enumerate(indices):
            row, column = divmod(place, n_columns)
            corner = MARGIN + column * step, top + TEXT * bool(text) + row * step
            sheet.paste(Image.fromarray(image_set.picture(index, size)), corner)
        top += height
    return sheet


def _directions(features):
    """The features as float64 vectors of length 1."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or not len(features):
        raise ValueError(f"features have shape {features.shape}: (n, d) is needed.")
    if not np.isfinite(features).all():
        raise ValueError("features hold NaN or infinity: extract them again.")
    return normalize(features)


def _cosine_distances(some, others):
    return np.clip(1 - some @ others.T, 0, 2)  # rounding may give −1e-16


def _blocks(n_images, at_least):
    """(start, stop) of blocks of pictures; none for fewer pictures than at_least."""
    size = max(1, BLOCK_PAIRS // n_images)
    starts = range(0, n_images if n_images >= at_least else 0, size)
    return [(start, min(start + size, n_images)) for start in starts]
