"""Experiments: representation × layer × algorithm × seed, one row per run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "runs": ["COLUMNS", "choose", "run", "summary"],
        "report": ["readable"],
        "reference": ["network_scores", "reference_table"],
        "scaling": ["blobs", "forecast", "growth", "measure"],
    },
)
