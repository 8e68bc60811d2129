"""Embeddings of the neighbour graph: UMAP and Laplacian eigenmaps.

Both see of the features only which images are near each other.
"""

import sys
import warnings

import numpy as np
from sklearn.manifold import spectral_embedding
from sklearn.neighbors import NearestNeighbors, kneighbors_graph


def umap_embedding(
    directions, random_state=0, *, n_components=2, n_neighbors=15, min_dist=0.1
):
    """Embed vectors of length 1 by UMAP, with exact neighbours: float32 (n, c).

    directions: array (n, d), n at least 4. Raises ImportError without umap-learn.
    """
    n_neighbors = int(min(n_neighbors, len(directions) - 1))
    index = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(directions)
    distances, neighbours = index.kneighbors(directions)  # an image is its own first
    cosine = np.where(distances < 1e-3, 0, distances**2 / 2).astype(np.float32)
    umap = import_umap()(
        n_components=n_components,
        n_neighbors=n_neighbors,
        min_dist=min_dist,
        metric="cosine",
        random_state=random_state,
        n_jobs=1,  # what a seed forces; more threads give other coordinates each time
        precomputed_knn=(neighbours, cosine),  # exact, and saves compiling the search
        force_approximation_algorithm=True,  # else few images ignore the neighbours
        disconnection_distance=np.inf,  # opposite features have neighbours, too
    )
    with warnings.catch_warnings():  # equal images, separate graphs: no harm done
        warnings.simplefilter("ignore")
        return umap.fit_transform(directions)


def import_umap():
    """The class UMAP; Keras, which the package would load as well, stays out."""
    unused = "umap.parametric_umap"
    if "umap" not in sys.modules:
        sys.modules[unused] = None  # "cannot be imported"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap import UMAP
    except ImportError as error:
        raise ImportError("UMAP is missing: `pip install umap-learn`.") from error
    finally:
        if sys.modules.get(unused, 0) is None:
            del sys.modules[unused]
    return UMAP


def laplacian_eigenmaps(directions, n_components, *, n_neighbors=15):
    """Embed vectors by the eigenvectors of their neighbour graph: float64 (n, c).

    directions: array (n, d). n_components and n_neighbors are cut down to what n images
    allow.
    """
    n_images = len(directions)
    graph = kneighbors_graph(directions, min(n_neighbors, n_images - 1))
    with warnings.catch_warnings():  # a graph in several pieces: no harm done
        warnings.simplefilter("ignore")
        return spectral_embedding(
            (graph + graph.T) / 2,
            n_components=min(n_components, n_images - 2),
            random_state=0,
        )
