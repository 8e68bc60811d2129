"""Image sets: images in a fixed order, loaded by name, from a folder or a search."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "image_set": ["ImageSet", "from_bytes", "relabel"],
        "datasets": ["NAMES", "DownloadError", "is_here", "load"],
        "captions": ["search_captions", "word_counts"],
        "openverse": ["search_openverse"],
        "streams": ["ImageStream", "open_stream"],
        "webdataset": ["write_shards"],
    },
)
