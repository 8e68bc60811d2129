"""TEMI: its loss against a slow one, its slopes, its seed, and cases that are known."""

import math

import numpy as np
import pytest
from scipy.special import softmax
from small_sets import one_thread  # noqa: F401

from course_utils import clustering, metrics
from course_utils.clustering import neighbour_heads
from course_utils.clustering.neighbours import nearest_neighbours


def groups(n_each=15, k=3, seed=0):
    """Groups around the corners of a simplex, centred, and whose each point is."""
    truth = np.repeat(np.arange(k), n_each)
    points = np.eye(k)[truth] - 1 / k
    noise = np.random.default_rng(seed).normal(scale=0.15, size=points.shape)
    return points + noise, truth


def rows(n, k, seed):
    return np.random.default_rng(seed).dirichlet([0.7] * k, n)


@pytest.mark.parametrize("beta", [0.5, 0.6, 1.0])
def test_the_loss_is_what_the_slow_one_says(beta):
    student, teacher = rows(9, 4, 0), rows(9, 4, 1)
    shares = teacher.mean(axis=0)
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        total -= math.log(sum((s[c] * t[c]) ** beta / shares[c] for c in range(4)))
    found = clustering.temi_loss(student, teacher, shares, beta)
    assert found == pytest.approx(total / 9)


def test_at_one_half_no_decision_is_as_good_as_a_sure_one_and_at_one_it_is_worse():
    k = 5
    sure, unsure = np.eye(k), np.full((k, k), 1 / k)
    shares = np.full(k, 1 / k)
    for beta, of_unsure in ((0.5, -math.log(k)), (1.0, 0.0)):
        assert clustering.temi_loss(sure, sure, shares, beta) == pytest.approx(
            -math.log(k)
        )
        found = clustering.temi_loss(unsure, unsure, shares, beta)
        assert found == pytest.approx(of_unsure, abs=1e-9)


def test_slopes_are_those_of_the_loss():
    logits = np.random.default_rng(0).normal(size=(6, 4, 2))
    teacher = softmax(np.random.default_rng(1).normal(size=(6, 4, 2)), axis=1)
    shares = teacher.mean(axis=0)
    logs, slopes = neighbour_heads._pairs(softmax(logits, axis=1), teacher, shares, 0.6)
    losses = [
        clustering.temi_loss(
            softmax(logits[:, :, head], axis=1), teacher[:, :, head], shares[:, head]
        )
        for head in range(2)
    ]
    np.testing.assert_allclose(-logs.mean(axis=0), losses)
    for image, cluster, head in ((0, 0, 0), (3, 2, 1), (5, 3, 0)):
        moved = logits.copy()
        moved[image, cluster, head] += 1e-6
        after, _ = neighbour_heads._pairs(softmax(moved, axis=1), teacher, shares, 0.6)
        slope = (logs - after)[image, head] / 1e-6
        assert slopes[image, cluster, head] == pytest.approx(slope, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_groups_that_are_there_are_found(seed):
    points, truth = groups(seed=seed)
    found = clustering.temi(points, 3, n_neighbours=5, random_state=seed)
    assert metrics.ari(labels_true=truth, labels_pred=found) == 1


def test_a_seed_gives_the_same_labels_and_rows_may_come_as_float32():
    points, _ = groups()
    expected = clustering.temi(points, 3, n_neighbours=5, n_steps=30, random_state=4)
    again = clustering.temi(
        points.astype(np.float32), 3, n_neighbours=5, n_steps=30, random_state=4
    )
    assert again.tolist() == expected.tolist()
    assert expected[0] == 0 and expected.dtype.kind == "i"


def test_the_head_with_the_lowest_loss_is_taken():
    points, truth = groups(n_each=8)
    _, near = nearest_neighbours(points, 4)
    generator = np.random.default_rng(0)
    student = generator.normal(0, neighbour_heads.START, (3, 4 * 3)).astype("float32")
    teacher, losses = neighbour_heads._train(
        points.astype("float32"), near, student, 4, np.float32(0.6), 100, generator
    )
    assert losses.shape == (4,) and (losses < 0).all()
    logits = (points @ teacher).reshape(-1, 3, 4)[:, :, losses.argmin()]
    found = clustering.temi(points, 3, n_neighbours=4, n_heads=4, n_steps=100)
    same = metrics.ari(labels_true=logits.argmax(axis=1), labels_pred=found)
    assert same == 1 and metrics.ari(labels_true=truth, labels_pred=found) > 0.8


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: clustering.temi(np.ones(4), 2), r"\(n, d\)"),
        (lambda: clustering.temi(np.full((4, 2), np.nan), 2), "NaN"),
        (lambda: clustering.temi(np.ones((4, 2)), 5), "at most the number of images"),
        (lambda: clustering.temi(np.ones((4, 2)), 2), "from 1 to 3"),
        (lambda: clustering.temi(np.ones((4, 2)), 2, random_state=-1), "seed"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()
