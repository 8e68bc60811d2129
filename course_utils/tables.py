"""Contingency tables with names: counted part by part, then added up.

No worker sees all pictures, so classes and clusters may be absent from its part. Its
table says which rows and columns it has, and the sum of all tables has every score:
`metrics.scores_of_table(merge_tables(tables))`.
"""

import pandas as pd

from course_utils import metrics


def named_table(*, true_labels, cluster_labels):
    """Count the pictures of every class in every cluster, with their names.

    Returns: DataFrame of int, classes as index and clusters as columns, both sorted.
    Raises ValueError as `metrics.contingency_table`, whose counts these are.
    """
    both = {"true_labels": true_labels, "cluster_labels": cluster_labels}
    return pd.DataFrame(
        metrics.contingency_table(**both),
        index=pd.Index(sorted(set(true_labels)), name="class"),
        columns=pd.Index(sorted(set(cluster_labels)), name="cluster"),
    )


def merge_tables(tables):
    """Add up the named tables of parts that share no picture, in any order.

    A class or cluster that a part does not have counts 0 there. Returns: DataFrame like
    `named_table` of all pictures at once. Raises ValueError if there is no table.
    """
    total = None
    for table in tables:  # one after the other: there may be thousands
        total = table if total is None else total.add(table, fill_value=0)
    if total is None:
        raise ValueError("there are no tables to merge: give one a part.")
    return total.fillna(0).astype(int).sort_index(axis=0).sort_index(axis=1)
