"""Lessons: the first cell of each, and the checks of its exercises."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "notebook": ["reveal", "start"],
        "workers": ["kill_a_worker"],
    },
)
