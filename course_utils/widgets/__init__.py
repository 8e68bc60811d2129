"""Widgets for the notebooks: things to click, each with a static fallback.

    widgets.KMeansStepper()
    widgets.ClusterBrowser(image_set)
    widgets.ContingencyExplorer(image_set, cluster_labels)
    widgets.ComparisonExplorer(results)
    widgets.ImageScatter(image_set, points)
    widgets.FigureSlider(draw, k=range(2, 9), seed=range(10))
    widgets.uploaded_picture(ipywidgets.FileUpload())

They work in JupyterLab and on Colab, by mouse, keyboard or finger. `.static()` of each
is a matplotlib Figure of what it shows, stored with the notebook, so that GitHub and
`nbconvert` show an image too.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cluster_browser": ["ClusterBrowser"],
        "comparison": ["ComparisonExplorer"],
        "contingency": ["ContingencyExplorer"],
        "figure_slider": ["FigureSlider"],
        "image_scatter": ["ImageScatter"],
        "kmeans_stepper": ["KMeansStepper"],
        "upload": ["uploaded_picture"],
    },
)
