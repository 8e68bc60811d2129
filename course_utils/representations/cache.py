"""The cache of features: computed once, kept by content.

One folder a representation, in it chunks of some hundred pictures: `X.npy` with the
features and `X.txt` with the SHA-256 of each picture, one a line. A picture is found by
its bytes, whatever its name or image set. The text file is written last and both appear
whole, so a killed program costs its unfinished chunk and two programs can share the
cache without a lock.
"""

import contextlib
import hashlib
import json
import time
import warnings

import numpy as np
import pandas as pd

from course_utils._support import files


def features_dir():
    """The folder with one subfolder per representation."""
    return files.cache_dir() / "features"


class Store:
    """The cached features of one representation.

    spec: dict, fit for JSON, of all that the features depend on besides the pictures;
    another spec is another store.
    """

    def __init__(self, representation, spec):
        text = json.dumps(spec, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        self.folder = features_dir() / f"{representation.replace(':', '--')}-{key}"
        self.about = {"representation": representation, **spec}
        self.writable = True

    def chunks(self):
        """Yield (digests, features): list of str, float32 array, memory-mapped."""
        for path in sorted(self.folder.glob("*.txt")):
            # A damaged chunk is no chunk.
            with contextlib.suppress(OSError, ValueError, EOFError):
                digests = path.read_text("utf-8").split()
                rows = np.load(path.with_suffix(".npy"), mmap_mode="r")
                if rows.ndim == 2 and len(rows) == len(digests):
                    yield digests, rows

    def write(self, digests, rows):
        """Add a chunk. If the disk is full or closed, warn once and go on without."""
        if not self.writable:
            return
        text = "\n".join(digests)
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        try:
            about = self.folder / "about.json"
            if not about.exists():
                with files.atomic_file(about, "w") as file:
                    json.dump(self.about, file, indent=1)
            with files.atomic_file(self.folder / f"{name}.npy") as file:
                np.save(file, rows, allow_pickle=False)
            with files.atomic_file(self.folder / f"{name}.txt", "w") as file:
                file.write(text)
        except OSError as error:
            self.writable = False
            warnings.warn(
                f"features are not kept: {self.folder} cannot be written "
                f"({error.strerror or error}). COURSE_CACHE can name another folder.",
                stacklevel=2,
            )


def entries():
    """What the cache holds, as a DataFrame: one row per store, largest first."""
    rows = []
    for folder in _stores():
        with contextlib.suppress(OSError, ValueError):
            about = json.loads((folder / "about.json").read_text("utf-8"))
            counts = [
                len(path.read_text("utf-8").split()) for path in folder.glob("*.txt")
            ]
            used = max(path.stat().st_mtime for path in folder.iterdir())
            rows.append(
                {
                    "representation": about["representation"],
                    "n_images": sum(counts),
                    "mb": round(files.folder_size(folder) / 1e6, 2),
                    "written": time.strftime("%Y-%m-%d %H:%M", time.localtime(used)),
                    "folder": folder.name,
                }
            )
    columns = ["representation", "n_images", "mb", "written", "folder"]
    return pd.DataFrame(rows, columns=columns).sort_values("mb", ascending=False)


def clear(representation=None):
    """Delete the features of one representation; returns the bytes freed.

    If None, those of all, with the layouts of maps, the parts of streams and the
    converted networks.
    """
    found = entries()
    if representation is not None:
        found = found[found["representation"] == representation]
        if found.empty:
            raise ValueError(f"the cache holds nothing of {representation!r}.")
        return sum(files.remove(features_dir() / name) for name in found["folder"])
    others = (files.cache_dir() / name for name in ("layouts", "parts", "networks"))
    folders = [*_stores(), *(folder for folder in others if folder.is_dir())]
    return sum(files.remove(folder) for folder in folders)


def _stores():
    found = features_dir().glob("*")
    return sorted(path for path in found if path.is_dir())  # a .DS_Store is none
