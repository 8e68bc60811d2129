import collections
import difflib
import re
from dataclasses import replace


def search_captions(image_set, *words):
    """The pictures whose captions hold one of these words, as an image set.

    Whole words, in capitals or not, and plurals in -s or -es: `star` finds `A star`
    and `Two stars`, not `starfish`. A word may be several, `hot air`.
    Raises ValueError if there are no captions or none holds a word.
    """
    if image_set.captions is None:
        raise ValueError(f"{image_set.name} has no captions to search in.")
    wanted = [" ".join(_words(word)) for word in words]
    if not wanted or not all(wanted):
        raise ValueError(f"search_captions{words}: give one word or more.")
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, wanted))})(s|es)?\b")
    captions = [" ".join(_words(caption)) for caption in image_set.captions]
    found = [i for i, caption in enumerate(captions) if pattern.search(caption)]
    if not found:
        known = sorted({word for caption in captions for word in caption.split()})
        near = difflib.get_close_matches(wanted[0], known, n=3)
        hint = f": did you mean {' or '.join(near)}?" if near else "."
        raise ValueError(f"no caption of {image_set.name} holds {wanted[0]!r}{hint}")
    return replace(image_set.subset(found), name=", ".join(wanted))


def word_counts(image_set):
    """In how many captions each word stands: a Counter, capitals made small."""
    return collections.Counter(
        word for caption in image_set.captions for word in set(_words(caption))
    )


def _words(text):
    return re.findall(r"[^\W_]+", text.lower())
