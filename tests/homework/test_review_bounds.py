"""What a review may cost, and the parts of it that follow from the numbers alone."""

import time
import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_submissions import pack, unpack

from course_utils.homework.review import partition_of, public_half, review_submission
from course_utils.homework.submission_file import fingerprint, read_submission


def _own(good, n, name_of, label_of):
    """What is read of a hostile submission of n pictures of the student's own."""
    manifest, _ = unpack(good)
    images, digest = [f"{i}" for i in range(n)], "0" * 64
    manifest["image_set"] |= {
        "fingerprint": fingerprint(images, [digest] * n),
        "n_images": n,
        "self_supplied_labels": True,
    }
    manifest["runs"] = [manifest["runs"][0] | {"run": "r"}]
    rows = [f"{i},{digest},{name_of(i)},{label_of(i)}" for i in range(n)]
    return read_submission(
        pack(manifest, "\n".join(["image,sha256,true_label,r", *rows]))
    )


def test_a_long_class_name_takes_no_memory(good, small):
    sent = _own(
        good, 5000, lambda i: "x" * 130_000 if i == 7 else i % 3, lambda i: i % 2
    )
    tracemalloc.start()
    found = review_submission(sent, small)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6 and found.self_supplied and found.runs


def test_as_many_classes_and_clusters_as_pictures_take_no_time(good, small):
    sent = _own(good, 20_000, lambda i: i, lambda i: -i % 20_000)
    started = time.process_time()
    found = review_submission(sent, small)
    assert time.process_time() - started < 2
    assert found.errors == ["'r' has too many clusters to score."]
    assert (
        review_submission(_own(good, 1000, lambda i: i, lambda i: i), small).errors
        == []
    )


# Partitions and halves


@given(st.lists(st.integers(-1, 6), min_size=1, max_size=40), st.permutations(range(8)))
@settings(deadline=None, max_examples=100)
def test_a_partition_is_the_same_under_any_names(labels, names):
    labels = np.array(labels, dtype=np.int32)
    assert partition_of(labels) == partition_of(np.array(names)[labels + 1])
    if len(labels) > 1:
        changed = labels.copy()
        changed[-1] = 9 if (labels[:-1] == labels[-1]).any() else labels[0]
        assert partition_of(changed) != partition_of(labels)


def test_the_public_half_follows_from_pictures_and_salt_alone(small):
    half = public_half(small, "salt")
    assert half.sum() == 15 and half.dtype == bool
    order = np.random.default_rng(0).permutation(30)
    assert np.array_equal(public_half(small.subset(order), "salt"), half[order])
    assert not np.array_equal(public_half(small, "other"), half)
