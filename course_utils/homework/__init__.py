"""Homework: what a student hands in, and what an instructor runs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "submission": [
            "QUESTIONS",
            "exercise_values",
            "seeds",
            "source_of",
            "submit",
        ],
        "submission_file": ["read_submission"],
        "review": ["review_submission"],
        "self_check": ["check_submission"],
        "grading.rubric": ["load_rubric", "max_points"],
    },
)
