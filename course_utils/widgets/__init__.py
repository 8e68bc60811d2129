"""Widgets for the notebooks: things to click, each with a picture for where one cannot.

    from course_utils import widgets

    widgets.kmeans_stepper()
    widgets.cluster_browser(image_set)
    widgets.contingency_explorer(image_set, cluster_labels)
    widgets.comparison_explorer(results)

They work in JupyterLab and on Colab, with mouse and keyboard. `.static()` of each is a
matplotlib Figure of what it shows; it is stored with the notebook, so that GitHub and
`nbconvert` have a picture too.
"""

from course_utils.widgets.browser import ClusterBrowser
from course_utils.widgets.comparison import ComparisonExplorer
from course_utils.widgets.contingency import ContingencyExplorer
from course_utils.widgets.stepper import KMeansStepper

__all__ = [
    "cluster_browser",
    "comparison_explorer",
    "contingency_explorer",
    "kmeans_stepper",
]

kmeans_stepper = KMeansStepper
cluster_browser = ClusterBrowser
contingency_explorer = ContingencyExplorer
comparison_explorer = ComparisonExplorer
