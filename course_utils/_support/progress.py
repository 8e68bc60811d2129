"""The progress bar of everything that takes more than two seconds."""

from tqdm.auto import tqdm


def progress_bar(total, what, progress=True):
    """A tqdm bar that counts images, shown after two seconds; for a `with` statement.

    total: the number of images, None if it is not known. what: the words before the
    bar. progress: False shows no bar.
    """
    return tqdm(total=total, desc=what, unit=" images", delay=2, disable=not progress)
