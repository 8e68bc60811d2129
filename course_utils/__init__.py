"""Helpers of the image clustering course; `import course_utils` loads nothing heavy.

Lessons import ten names, each a subject of the field:

    from course_utils import images, representations, clustering, metrics, experiments
    from course_utils import plots, maps, widgets, homework, lessons
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "images",
        "representations",
        "clustering",
        "metrics",
        "experiments",
        "plots",
        "maps",
        "widgets",
        "homework",
        "lessons",
    ],
)
