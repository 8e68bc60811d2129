"""Clusters of an image set, to look through."""

import ipywidgets
import numpy as np
from sklearn.preprocessing import normalize

from course_utils import clustering, metrics, plots
from course_utils.clustering import representatives, validation
from course_utils.experiments import runs
from course_utils.representations import backbones, extraction
from course_utils.widgets import base

CHEAP = ("raw", "colour", "hog", "lbp", "bovw")

BUNDLED = (
    "EfficientNetLite0",
    "EfficientNetLite0:block3",
    "EfficientNetLite0:block5",
    "EfficientNetLite0:block7",
    "SqueezeNet",
    "SqueezeNet:fire3",
    "SqueezeNet:fire5",
)

ALGORITHMS = ("l2+kmeans", "l2+ward", "l2+average", "l2+spectral", "l2+hdbscan")

TURNED = ("kmeans", "hdbscan")  # slow ones that only look at distances

N_NEIGHBOURS = 9

ASK = {"heading": "Nearest images", "pictures": []}

ASK["note"] = "Click an image to see the images nearest to it."


class ClusterBrowser(base.Explorer):
    """Choose representation, layer, algorithm and k, and look at the clusters.

    Each cluster is a row of images, its medoid first, with its purity if the image set
    has true labels. A click on an image shows its nearest neighbours. Features are
    extracted when they are first chosen and come from the cache afterwards.

    Parameters
    ----------
    image_set : ImageSet
        The images.
    representations, algorithms : sequence of str
        The names to choose from, `Network:layer` for a layer.
    k : int, default=None
        Number of clusters at first; None takes the number of classes, or 8.
    n_pictures : int, default=10
        Images shown per cluster.

    Raises
    ------
    ValueError
        For an unknown name, or a k that is not possible.
    """

    text = "clusters of an image set: each row has the images of one, the medoid first"

    def __init__(
        self,
        image_set,
        representations=(*BUNDLED, *CHEAP),
        algorithms=ALGORITHMS,
        *,
        k=None,
        n_pictures=10,
    ):
        names, algorithms = runs.check_names(representations, algorithms)
        k = k or len(image_set.class_names) or min(8, len(image_set))
        validation.check_n_clusters(k, len(image_set))
        self.image_set, self.n_pictures, self.layers = image_set, n_pictures, {}
        for name in names:
            backbone, _ = extraction.parse(name)
            self.layers.setdefault(backbone, []).append((layer_name(name), name))
        bases = list(self.layers)
        self.representation = base.dropdown("Representation", bases, "270px")
        self.layer = base.dropdown("Layer", self.layers[bases[0]])
        self.algorithm = base.dropdown("Algorithm", algorithms, "200px")
        self.k = base.whole_number("k", k, len(image_set))
        self.thumbnails = base.Thumbnails(image_set)
        self.gallery = base.Pictures(lambda index: self.attempt(self.choose, index))
        self.neighbours = base.Pictures(lambda index: self.attempt(self.choose, index))
        self.pager = base.Pager("clusters", lambda: self.attempt(self._show_page))
        controls = [self.representation, self.layer, self.algorithm, self.k]
        shown = [self.neighbours, self.gallery, self.pager]
        self.assemble(base.line(controls), ipywidgets.VBox(shown))
        self._vectors, self._labels, self._shown = {}, {}, None
        self.watch(self._set_layers, self.representation)
        self.watch(self.show, self.layer, self.algorithm, self.k)
        self.attempt(self.show)

    def show(self):
        """Cluster as the controls say, and show the first page of the clusters."""
        wanted = (self.layer.value, self.algorithm.value, self.k.value)
        if wanted == self._shown:
            return
        self._shown, self.neighbours.rows, self.gallery.chosen = wanted, [ASK], -1
        try:
            self.labels, self.vectors = self._cluster(*wanted)
        except Exception:
            self._shown, self.labels, self.gallery.rows = None, None, []
            raise
        self.clusters = biggest_first(self.labels)
        self.medoids = representatives.medoids(self.vectors, self.labels)
        self.pager.turn_to(0)
        self.status.text = sentence(self.image_set, self.labels)

    def choose(self, index):
        """Show the images nearest to this one, by the angle of their features."""
        nearest, distances = neighbours(self.vectors, index, N_NEIGHBOURS)
        notes = dict(zip(nearest[1:], map("{:.2f}".format, distances[1:]), strict=True))
        note = "and their cosine distance from the first"
        row = self.thumbnails.row("Nearest images", note, nearest, notes=notes)
        self.neighbours.rows, self.gallery.chosen = [row], index
        self.status.text = (
            f"Chosen: {base.name_of(self.image_set, index)}, in "
            f"{base.cluster_name(self.labels[index])}."
        )

    def static(self):
        """The biggest clusters, as `plots.gallery` draws them."""
        if self.labels is None:
            return base.note(self.status.text)
        title = f"{self.layer.value}, {self.algorithm.value}"
        more = {"n_pictures": self.n_pictures, "title": title}
        return plots.gallery(self.image_set, self.labels, self.vectors, **more)

    @property
    def alt(self):
        """The choice and its scores, in words."""
        if self.labels is None:
            return self.status.text
        found = sentence(self.image_set, self.labels)
        return f"{self.text}. {self.layer.value}, {self.algorithm.value}: {found}"

    def _set_layers(self):
        self.layer.options = self.layers[self.representation.value]  # calls show

    def _cluster(self, name, algorithm, k):
        if name not in self._vectors:
            self.status.text = f"{name}: features, the first time …"
            vectors = extraction.extract(self.image_set, name, progress=False)
            self._vectors[name] = vectors, compact(vectors)
        given, compacted = self._vectors[name]
        key, turned = (name, algorithm, k), algorithm.removeprefix("l2+") in TURNED
        if key not in self._labels:
            chosen = compacted if turned else given
            self._labels[key] = clustering.cluster(chosen, algorithm, k)
        return self._labels[key], compacted

    def _show_page(self):
        self.gallery.rows = [self._row(c) for c in self.pager.cut(self.clusters)]

    def _row(self, cluster):
        members = in_order(self.vectors, self.labels, cluster, self.medoids)
        return cluster_row(self.thumbnails, cluster, members, self.n_pictures)


def biggest_first(labels):
    """The labels of the clusters, the biggest first and noise last: a list."""
    return [*representatives.top_clusters(labels).tolist(), *[-1] * (-1 in labels)]


def cluster_row(thumbnails, cluster, members, n_pictures):
    """A row for `base.Pictures`: the first of these members, with size and purity.

    members: indices as `in_order` gives them; the first has a star, noise has none.
    """
    image_set, note, odd = thumbnails.image_set, base.count(len(members)), []
    if image_set.true_labels is not None:
        share, name, odd = most_frequent_class(image_set, members)
        note += f"\npurity {share:.0%}: {name}"
    badges = {} if cluster == -1 else {members[0]: "★"}
    heading, shown = base.cluster_name(cluster), members[:n_pictures]
    return thumbnails.row(heading, note, shown, odd=odd, badges=badges)


def in_order(vectors, labels, cluster, medoids):
    """The images of a cluster, its medoid first, then by their distance to the mean.

    medoids: {cluster: index}; noise has none. Returns a list of indices.
    """
    members, medoid = np.flatnonzero(labels == cluster), medoids.get(cluster)
    members = members[plots.nearest_first(vectors[members])].tolist()
    return sorted(members, key=lambda index: index != medoid)


def most_frequent_class(image_set, members):
    """(share, name) of the most frequent class of these, and which are of another."""
    own = image_set.true_labels[members]
    classes, counts = np.unique(own, return_counts=True)
    most = classes[counts.argmax()]
    odd = [i for i, label in zip(members, own, strict=True) if label != most]
    return counts.max() / len(members), image_set.class_names[most], odd


def neighbours(vectors, index, n):
    """An image and the n nearest to it: (indices, cosine distances), two lists."""
    directions = normalize(vectors)
    distances = np.clip(1 - directions @ directions[index], 0, 2)
    distances[index] = -1  # itself comes first, before its copies
    nearest = np.argsort(distances, kind="stable")[: n + 1]
    return nearest.tolist(), distances[nearest].tolist()


def compact(vectors):
    """The same images in fewer numbers: float array (n, at most n).

    Vectors (n, d) with d > n are turned into the space which they span. That keeps all
    lengths and angles, so also the clusters, and takes a fraction of the time.
    """
    if vectors.shape[1] <= len(vectors):
        return vectors
    left, scales, _ = np.linalg.svd(vectors, full_matrices=False)
    return left * scales


def sentence(image_set, labels):
    """How many clusters there are, what the marks mean, and the scores."""
    n_clusters = len(np.unique(labels[labels != -1]))
    found = (
        f"{base.count(n_clusters, 'cluster')} of {base.count(len(labels))}, the "
        "biggest first. ★ is the medoid"
    )
    if image_set.true_labels is None:
        return found + "."
    scores = metrics.scores(
        labels_true=image_set.true_labels,
        labels_pred=labels,
        names=("purity", "nmi"),
    )
    return (
        f"{found}, ✕ is not of its cluster's most frequent class. "
        f"Purity {scores['purity']:.2f}, NMI {scores['nmi']:.2f}."
    )


def layer_name(representation):
    """What its layer is called in the menu; a default one by its own name."""
    backbone, layer = extraction.parse(representation)
    if layer is not None:
        return layer
    if backbone not in backbones.TABLE:
        return "none"
    return f"{backbones.TABLE[backbone].default_layer or 'last'} (default)"
