"""Clustering and scoring features that lie in parts, without ever holding them all.

    found = features.extract(stream, "EfficientNetLite0", to="s3://…", engine="tcp://…")
    model = blocks.fit(found, "l2+pca50+minibatch", k=1000)
    result = label(found, model, to="s3://…/labels", engine="tcp://…")
    result.scores

The model is small and goes to every worker; each labels its parts and counts its own
contingency table, and the tables are added up.
"""

import functools
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from course_utils import engines, metrics, tables
from course_utils.feature_parts import Folder, read_part


@dataclass(frozen=True, eq=False)
class Labelled:
    """Cluster labels of parts.

    cluster_labels: int32 array (n_images,), in the order of the pictures. table: named
    contingency table of the pictures that have a true label, None if none has.
    """

    cluster_labels: np.ndarray
    table: pd.DataFrame | None

    @property
    def scores(self):
        """dict of the five scores of `metrics`; ValueError without true labels."""
        if self.table is None:
            raise ValueError("no picture has a true label: there is nothing to score.")
        return metrics.scores_of_table(self.table)


def label(found, model, *, to=None, engine=None, progress=True):
    """Label every picture of a `FeatureParts` by a model of `blocks.fit`.

    to: folder or fsspec address for the labels, one Parquet file a part with the
    columns image and cluster; none are written if None. What is there already is
    written again: labelling takes little more than reading. engine: see `engines`; its
    workers find the features, and `to`, at the same place as here.
    Returns: Labelled.
    """
    function = functools.partial(
        _label_part, found.folder, model, None if to is None else Folder.at(to)
    )
    starts = dict(zip(found.names, np.cumsum([0, *found.counts]), strict=False))
    labels = np.empty(found.n_images, np.int32)
    counted = []
    with tqdm(
        total=found.n_images,
        desc="labels",
        unit=" pictures",
        delay=2,
        disable=not progress,
    ) as shown:
        for name, (cluster_labels, table) in engines.spread(
            function, found.names, engine
        ):
            start = starts[name]
            labels[start : start + len(cluster_labels)] = cluster_labels
            if table is not None:
                counted.append(table)
            if len(counted) >= 100:  # a table a part would add up, for a million parts
                counted = [tables.merge_tables(counted)]
            shown.update(len(cluster_labels))
    return Labelled(labels, tables.merge_tables(counted) if counted else None)


def _label_part(folder, model, to, name):
    """On a worker: (cluster labels, contingency table or None) of one part."""
    part = read_part(folder, name)
    if not part.images:
        return np.empty(0, np.int32), None
    cluster_labels = model.predict(part.features).astype(np.int32)
    if to is not None:
        file = io.BytesIO()
        columns = {"image": part.images, "cluster": cluster_labels}
        pd.DataFrame(columns).to_parquet(file, index=False)
        to.write(name, file.getvalue())
    known = [place for place, true in enumerate(part.labels) if true is not None]
    if not known:
        return cluster_labels, None
    table = tables.named_table(
        true_labels=[part.labels[place] for place in known],
        cluster_labels=cluster_labels[known].tolist(),
    )
    return cluster_labels, table
