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

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cluster_browser": ["ClusterBrowser"],
        "comparison": ["ComparisonExplorer"],
        "contingency": ["ContingencyExplorer"],
        "image_scatter": ["ImageScatter"],
        "kmeans_stepper": ["KMeansStepper"],
    },
)
