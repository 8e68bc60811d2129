"""Image sets by the words of their captions."""

import collections
import difflib
import re
from dataclasses import replace


def search_captions(image_set, *words):
    """The images whose captions contain one of these words, as an image set.

    Whole words, in capitals or not, and plurals in -s or -es: `star` finds `A star` and
    `Two stars`, not `starfish`.

    Parameters
    ----------
    image_set : ImageSet
        With captions.
    *words : str
        One or more; each may be several words, as "hot air".

    Returns
    -------
    ImageSet
        A subset, named after the words.

    Raises
    ------
    ValueError
        If there are no captions, or none contains a word.

    See Also
    --------
    word_counts : which words there are.
    search_openverse : the same on the web.

    Examples
    --------
    >>> from course_utils.images import load
    >>> search_captions(load("stamps-all"), "star")
    ImageSet(star: 2 pictures, no labels)
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
    """In how many captions each word appears.

    Parameters
    ----------
    image_set : ImageSet
        With captions.

    Returns
    -------
    collections.Counter
        {word in lower case: number of captions}.

    See Also
    --------
    search_captions : the images with a word.
    sklearn.feature_extraction.text.CountVectorizer : counts the words of many texts.

    Examples
    --------
    >>> from course_utils.images import load
    >>> word_counts(load("stamps-all"))["coin"]
    10
    """
    return collections.Counter(
        word for caption in image_set.captions for word in set(_words(caption))
    )


def _words(text):
    return re.findall(r"[^\W_]+", text.lower())
