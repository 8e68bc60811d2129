"""Parts of a stream: some listed pictures, or one tar file, and what they depend on."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from course_utils import addresses
from course_utils.streams import shards
from course_utils.streams.listings import Found

MOST_PROBLEMS = 10_000  # in a part, so that they do not fill the memory
N_THREADS = 32  # they wait for answers rather than compute


@dataclass(frozen=True)
class Part:
    """Some pictures of a stream, small enough to be sent to another process.

    number: 0, 1, … key: hex digest of the address and of all names, sizes, modification
    times (or ETags), labels and captions in it: another if any of them changes.
    """

    number: int
    key: str
    found: tuple = field(repr=False)
    problems: tuple = field(repr=False, default=())

    def look(self):
        """(items, problems): a list of `Item`, and of (image, reason) left out."""
        return list(self.found), list(self.problems)

    def items(self):
        """The pictures alone; of a shard, each call reads its headers again."""
        return self.look()[0]


@dataclass(frozen=True)
class Shard:
    """A `Part` that is one tar file, looked into only where `look` is called."""

    number: int
    key: str
    shard: str
    files: object = field(repr=False)
    path: str = field(repr=False)

    def look(self):
        return shards.scan(self.files, self.path, self.shard)

    def items(self):
        return self.look()[0]


def cut(address, listing, part_size):
    """Yield a listing as parts; what is left out belongs to the picture before it."""
    number, pictures, problems = 0, [], []
    for found in listing():
        picture = isinstance(found, Found)
        full = picture and len(pictures) == part_size
        if full or len(problems) >= MOST_PROBLEMS:
            yield _part(number, address, pictures, problems)
            number, pictures, problems = number + 1, [], []
        (pictures if picture else problems).append(found)
    if pictures or problems:
        yield _part(number, address, pictures, problems)


def _part(number, address, pictures, problems):
    remote = any(isinstance(p.item.files, addresses.Remote) for p in pictures)
    if remote and any(p.stamp is None for p in pictures):  # each waits for an answer
        with ThreadPoolExecutor(N_THREADS) as pool:
            looked = list(pool.map(_look, pictures))
    else:
        looked = map(_look, pictures)
    good, problems = {}, list(problems)
    for found, reason in looked:
        image = found.item.image
        if image in good:
            reason = "is there twice: the first is taken"
        if reason:
            problems.append((image, reason))
        else:
            good[image] = found
    state = [
        (f.item.image, f.size, f.stamp, f.item.label, f.item.caption)
        for f in good.values()
    ]
    items = tuple(found.item for found in good.values())
    return Part(number, _key(address, state, problems), items, tuple(problems))


def _look(found):
    """(found with size and stamp, None or why it cannot be read)."""
    if found.stamp is not None:
        return found, None
    try:
        size, stamp = found.item.files.look(found.item.path)
    except OSError as error:
        return found, f"cannot be read ({error.strerror})"
    return found._replace(size=size, stamp=stamp), None


def tar_parts(files, path, folder, address):
    """Yield a `Shard` for each tar file; one that is missing is found out by `look`."""
    for number, name in enumerate(shards.find(files, path)[1]):
        shard = files.join(folder, name)
        try:
            state = files.look(shard)
        except OSError:
            state = None
        yield Shard(number, _key(address, name, state), name, files, shard)


def _key(address, *state):
    return hashlib.sha256(repr((address, *state)).encode()).hexdigest()
