"""The progress bar of everything that takes more than two seconds."""

from tqdm.auto import tqdm


def progress_bar(total, what, progress=True, unit="images"):
    """A tqdm bar, shown after two seconds; for a `with` statement.

    total: the number of things, None if it is not known. what: the words before the
    bar. progress: False shows no bar. unit: what is counted.
    """
    return tqdm(total=total, desc=what, unit=f" {unit}", delay=2, disable=not progress)
