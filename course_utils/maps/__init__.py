"""Maps: layouts of an image set, its hotspots, and a page of thumbnails."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "layouts": ["grid", "layout", "neighbours_kept"],
        "hotspots": ["find_hotspots", "hotspot_words"],
        "image_map": ["export"],
    },
)
