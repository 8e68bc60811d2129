"""TEMI: heads on frozen features that learn from pairs of nearest neighbours.

A head is one layer that gives each image a probability for each cluster. A *student*
head learns to agree with a *teacher* on pairs of an image and one of its neighbours;
the teacher is the moving average of the student. No true label is used. Source:
Adaloglou, Michels, Kalisch and Kollmann, *Exploring the limits of deep image clustering
using pretrained models*, BMVC 2023, arXiv 2303.17896. Lesson 12 lists the differences.
"""

import numpy as np
from scipy.special import softmax

from course_utils._support.threads import threads_for
from course_utils.clustering.adam import Adam
from course_utils.clustering.neighbours import nearest_neighbours
from course_utils.clustering.validation import (
    as_float,
    check_features,
    check_n_clusters,
    check_random_state,
    renumber,
)

TEMPERATURE = 0.1  # the logits are divided by it

START = 1 / 16  # standard deviation of the first weights

SMALLEST = 1e-12  # a product of probabilities inside a power is at least that

# The authors take about 4,800 steps, 400 is a twelfth of them: so the rate is 12 times
# theirs, and the teacher forgets 12 times as fast (0.996 there).
N_STEPS, RATE, KEPT = 400, 0.005, 0.95

KEPT_SHARES = 0.9  # of the running mean of the teacher's probabilities

WEIGHT_DECAY = 1e-4


def temi(
    features,
    n_clusters,
    *,
    n_neighbours=10,
    beta=0.6,
    n_heads=16,
    n_steps=N_STEPS,
    random_state=0,
):
    """Cluster images by linear heads that learn from pairs of neighbours (TEMI).

    Parameters
    ----------
    features : array (n_images, d)
        One row per image, of a length of about 1; centred ones as `prepare` gives them
        need no constant in the head.
    n_clusters : int
        Number of clusters; some may be empty in the end.
    n_neighbours : int, default=10
        Neighbours of each image, of which each step draws one.
    beta : float, default=0.6
        Power of the products of probabilities. At 1 clusters of equal size are
        preferred; at 0.5 a head that does not decide is as good as one that does.
    n_heads : int, default=16
        Heads trained side by side, of which the one with the lowest loss is taken.
    n_steps : int, default=400
        Steps of training, each on all images.
    random_state : int, default=0
        Seed of the heads and of the pairs.

    Returns
    -------
    int array (n_images,)
        Cluster labels of the teacher, numbered in the order of the images.

    Raises
    ------
    ValueError
        For bad features, or an impossible number of clusters or neighbours.

    See Also
    --------
    temi_loss : What a head is to lower.
    sic : A head that also uses nouns.

    References
    ----------
    Adaloglou et al., BMVC 2023, arXiv 2303.17896.

    Examples
    --------
    >>> features = np.repeat([[1.0, -1.0], [-1.0, 1.0]], 12, axis=0)
    >>> features += np.random.default_rng(0).normal(scale=0.1, size=features.shape)
    >>> temi(features, 2, n_neighbours=5).tolist() == [0] * 12 + [1] * 12
    True
    """
    features = as_float(check_features(features)).astype(np.float32)
    check_n_clusters(n_clusters, len(features))
    check_random_state(random_state)
    _, near = nearest_neighbours(features, n_neighbours)
    generator = np.random.default_rng(random_state)
    shape = features.shape[1], n_heads * n_clusters
    student = generator.normal(0, START, shape).astype(np.float32)
    with threads_for(features):
        teacher, losses = _train(
            features, near, student, n_heads, np.float32(beta), n_steps, generator
        )
        logits = (features @ teacher).reshape(len(features), n_clusters, n_heads)
    return renumber(logits[:, :, losses.argmin()].argmax(axis=1))


def temi_loss(student, teacher, shares, beta=0.6):
    """−mean log Σ_c (s_c t_c)^β / share_c: low if student and teacher agree on pairs.

    Parameters
    ----------
    student : array (n_pairs, k)
        The student's probabilities for one image of each pair.
    teacher : array (n_pairs, k)
        The teacher's probabilities for the other image.
    shares : array (k,)
        Share of each cluster: the mean of the teacher's probabilities.
    beta : float, default=0.6
        The power.

    Returns
    -------
    float
        At least −log k if the shares are those of `teacher` and beta is at least 0.5.

    Examples
    --------
    >>> sure = np.eye(2)
    >>> round(temi_loss(sure, sure, [0.5, 0.5]), 3)
    -0.693
    >>> round(temi_loss([[0.5, 0.5]], [[0.5, 0.5]], [0.5, 0.5], beta=1), 3) + 0.0
    0.0
    """
    products = np.asarray(student) * np.asarray(teacher)
    sums = (products**beta / np.asarray(shares)).sum(axis=1)
    return float(-np.log(sums).mean())


def _train(features, near, student, n_heads, beta, n_steps, generator):
    """The teacher's weights (d, k · heads), and a running mean of each head's loss.

    Both images of a pair are given to the student, the other one to the teacher. The
    loss of a pair is weighted by how much the teacher puts it together, on average over
    the heads.
    """
    n_images, k = len(features), student.shape[1] // n_heads
    teacher, everyone = student.copy(), np.arange(n_images)
    shares = np.full((k, n_heads), 1 / k, np.float32)
    adam, losses = Adam(RATE, epsilon=1e-8), np.zeros(n_heads)
    for _ in range(n_steps):
        other = near[everyone, generator.integers(near.shape[1], size=n_images)]
        p, t = (_probabilities(features @ w, n_heads) for w in (student, teacher))
        shares = KEPT_SHARES * shares + (1 - KEPT_SHARES) * t.mean(axis=0)
        weights = (t * t[other]).sum(axis=(1, 2))[:, None, None] / n_heads
        slopes, loss = 0.0, 0.0
        for images, taught, teaching in ((everyone, p, t[other]), (other, p[other], t)):
            logs, of_logits = _pairs(taught, teaching, shares, beta)
            loss = loss - (weights[:, 0] * logs).mean(axis=0) / 2
            of_logits = (weights * of_logits).reshape(n_images, -1)
            slopes = slopes + features[images].T @ of_logits
        slopes = slopes / (2 * TEMPERATURE * n_images)
        student *= 1 - RATE * WEIGHT_DECAY
        adam.step([student], [slopes])
        teacher = KEPT * teacher + (1 - KEPT) * student
        losses = 0.9 * losses + 0.1 * loss
    return teacher, losses


def _probabilities(logits, n_heads):
    """Of each image, for each cluster, in each head: (n, k, heads).

    The heads are last, so that sums over the clusters are fast.
    """
    logits = logits.reshape(len(logits), -1, n_heads)
    return softmax(logits / np.float32(TEMPERATURE), axis=1)


def _pairs(p, t, shares, beta):
    """log Σ_c (p_c t_c)^β / share_c, and slopes of −log by the logits of p.

    The slopes are β (p − r), where r are the parts of the sum, scaled to add up to 1.
    """
    parts = np.exp(beta * np.log(np.maximum(p * t, np.float32(SMALLEST)))) / shares
    sums = parts.sum(axis=1, keepdims=True)
    return np.log(sums[:, 0]), beta * (p - parts / sums)
