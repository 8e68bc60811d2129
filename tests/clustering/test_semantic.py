"""Semantic space: slow references, invariances, seeds, cases whose answer is known."""

import io
import math
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize

from course_utils._support import downloads
from course_utils._support.keras import import_keras
from course_utils.clustering import semantic as semantic_module
from course_utils.clustering.neighbours import nearest_neighbours
from course_utils.representations import nouns

EXAMPLES = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10_000)
QUICK = semantic_module.SICSettings(
    n_nearest=6, generic=2, n_nouns=4, n_neighbours=4, learning_rate=0.05, n_epochs=40
)


def units(n, seed=0, width=5, shift=0.0):
    return normalize(np.random.default_rng(seed).normal(size=(n, width)) + shift)


def rows_of_probabilities(n, k, seed):
    return np.random.default_rng(seed).dirichlet([0.7] * k, n)


def made_up(n_each=12, n_junk=6, seed=0):
    """Three groups of pictures, six nouns near each, and nouns far from all."""
    generator = np.random.default_rng(seed)
    axes = np.eye(8)[:3]
    truth = np.repeat([0, 1, 2], n_each)
    pictures = axes[truth] + generator.normal(scale=0.15, size=(3 * n_each, 8))
    near = np.repeat(axes, 6, axis=0) + generator.normal(scale=0.15, size=(18, 8))
    junk = np.eye(8)[5:][np.arange(n_junk) % 3] + generator.normal(
        scale=0.05, size=(n_junk, 8)
    )
    names = [f"{group}{i}" for group in "abc" for i in range(6)]
    names += [f"junk{i}" for i in range(n_junk)]
    return normalize(pictures), normalize(np.vstack([near, junk])), names, truth


def same_partition(one, other):
    pairs = set(zip(np.asarray(one).tolist(), np.asarray(other).tolist(), strict=True))
    return len(pairs) == len(set(np.asarray(one))) == len(set(np.asarray(other)))


# Choosing nouns, centres, pseudo-labels


@EXAMPLES
@given(seeds, st.integers(1, 15), st.floats(-0.5, 1.1))
def test_chosen_nouns_are_those_of_the_slow_way(seed, n_nearest, generic):
    centres, vectors = units(3, seed), units(20, seed + 1, shift=0.3)
    mean = [sum(v[j] for v in vectors) / 20 for j in range(5)]
    length = math.sqrt(sum(x * x for x in mean))
    expected = set()
    for centre in centres:
        by_fit = sorted(range(20), key=lambda i, c=centre: -float(vectors[i] @ c))
        for i in by_fit[:n_nearest]:
            if sum(a * b for a, b in zip(vectors[i], mean, strict=True)) < (
                generic * length
            ):
                expected.add(i)
    if not expected:
        with pytest.raises(ValueError, match="No noun is left"):
            semantic_module.choose_nouns(centres, vectors, n_nearest, generic)
    else:
        found = semantic_module.choose_nouns(centres, vectors, n_nearest, generic)
        assert found.tolist() == sorted(expected)


@EXAMPLES
@given(seeds)
def test_chosen_nouns_do_not_depend_on_any_order_or_on_turning_the_space(seed):
    centres, vectors = units(3, seed), units(20, seed + 1, shift=0.3)
    generator = np.random.default_rng(seed)
    order = generator.permutation(20)
    turn, _ = np.linalg.qr(generator.normal(size=(5, 5)))
    expected = semantic_module.choose_nouns(centres, vectors, 5, 0.9)
    shuffled = semantic_module.choose_nouns(centres[::-1], vectors[order], 5, 0.9)
    assert sorted(order[shuffled]) == expected.tolist()
    turned = semantic_module.choose_nouns(centres @ turn, vectors @ turn, 5, 0.9)
    assert turned.tolist() == expected.tolist()


@EXAMPLES
@given(seeds, st.integers(1, 10))
def test_centres_and_pseudo_labels_are_those_of_the_slow_way(seed, n_nouns):
    pictures, vectors = units(30, seed), units(10, seed + 1)
    probabilities = rows_of_probabilities(30, 4, seed)
    centres = semantic_module.image_centres(pictures, probabilities, 0.9)
    twins = semantic_module.semantic_centres(centres, vectors, n_nouns)
    for cluster in range(4):
        surest = sorted(range(30), key=lambda i, c=cluster: -probabilities[i, c])
        total = sum(pictures[i] for i in surest[: int(30 // 4 * 0.9)])
        assert np.allclose(centres[cluster], total / np.linalg.norm(total))
        nearest = sorted(range(10), key=lambda i, c=cluster: -(vectors[i] @ centres[c]))
        total = sum(vectors[i] for i in nearest[:n_nouns])
        assert np.allclose(twins[cluster], total / np.linalg.norm(total))
    labels = semantic_module.pseudo_labels(pictures, twins)
    for picture, label in zip(pictures, labels, strict=True):
        cosines = [float(picture @ twin) for twin in twins]
        assert cosines[label] == pytest.approx(max(cosines))


def test_an_image_centre_has_at_least_one_picture():
    pictures = units(4)
    centres = semantic_module.image_centres(pictures, np.eye(4), 0.1)
    assert np.allclose(centres, pictures)


# The losses


@EXAMPLES
@given(seeds, st.integers(1, 6))
def test_losses_are_those_of_the_slow_way(seed, k):
    p, q = rows_of_probabilities(9, k, seed), rows_of_probabilities(9, k, seed + 1)
    labels = np.arange(9) % k
    together = [math.log(sum(p[i, c] * q[i, c] for c in range(k))) for i in range(9)]
    given_label = [math.log(p[i, labels[i]]) for i in range(9)]
    shares = [sum(p[i, c] for i in range(9)) / 9 for c in range(k)]
    entropy = -sum(share * math.log(share) for share in shares)
    found = (
        semantic_module.consistency_loss(p, q),
        semantic_module.semantic_loss(p, labels),
        semantic_module.balance(p),
    )
    assert np.allclose(found, (-np.mean(together), -np.mean(given_label), entropy))


@EXAMPLES
@given(seeds)
def test_losses_depend_neither_on_the_order_nor_on_the_numbers_of_clusters(seed):
    p, q = rows_of_probabilities(9, 4, seed), rows_of_probabilities(9, 4, seed + 1)
    labels, generator = np.arange(9) % 4, np.random.default_rng(seed)
    order, names = generator.permutation(9), generator.permutation(4)
    place = np.argsort(names)  # cluster c is now called place[c]
    p2, q2, labels2 = p[order][:, names], q[order][:, names], place[labels[order]]
    assert np.isclose(
        semantic_module.consistency_loss(p, q), semantic_module.consistency_loss(p2, q2)
    )
    assert np.isclose(
        semantic_module.semantic_loss(p, labels),
        semantic_module.semantic_loss(p2, labels2),
    )
    assert np.isclose(semantic_module.balance(p), semantic_module.balance(p2))


def test_losses_at_their_ends():
    sure, even = np.eye(3)[[0, 0, 0]], np.full((3, 3), 1 / 3)
    assert semantic_module.consistency_loss(sure, sure) == 0
    assert np.isfinite(semantic_module.consistency_loss(sure, np.eye(3)[[1, 1, 1]]))
    assert np.isfinite(semantic_module.semantic_loss(sure, np.array([1, 2, 0])))
    assert semantic_module.balance(sure) == pytest.approx(0, abs=1e-6)
    assert semantic_module.balance(even) == pytest.approx(math.log(3))
    assert semantic_module.balance(np.eye(3)) == pytest.approx(math.log(3))


@pytest.mark.parametrize("weights", [(1, 0.1, 5), (0, 1, 0), (2, 0, 0), (0, 0, 1)])
def test_the_slopes_of_the_head_are_those_of_small_changes(weights):
    consistency, semantic, balance = weights
    chosen = semantic_module.SICSettings(
        consistency_weight=consistency,
        semantic_weight=semantic,
        balance_weight=balance,
    )
    images, neighbours, labels = units(9), units(9, 1), np.arange(9) % 4
    head = semantic_module._Head(5, 4, chosen, 0, np.float64)

    def loss():
        p, q = head(images), head(neighbours)
        return (
            consistency * semantic_module.consistency_loss(p, q)
            + semantic * semantic_module.semantic_loss(p, labels)
            - balance * semantic_module.balance(p)
        )

    slopes = head.slopes(images, neighbours, labels)
    for part, slope in zip((head.weights, head.constants), slopes, strict=True):
        for place in np.ndindex(part.shape):
            ends = []
            for change in (1e-5, -2e-5, 1e-5):  # up, down, back
                part[place] += change
                ends.append(loss())
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope[place], abs=1e-6)


@pytest.mark.parametrize("n_neighbours", [1, 3, 11])
def test_neighbours_are_those_of_the_slow_way(n_neighbours):
    pictures = units(12, 3)
    _, found = nearest_neighbours(pictures, n_neighbours)
    for i, row in enumerate(found):
        others = [j for j in range(12) if j != i]
        others.sort(key=lambda j, i=i: -float(pictures[i] @ pictures[j]))
        assert row.tolist() == others[:n_neighbours]


# SIC


def by_keras(pictures, vectors, k, chosen, seed):
    """SIC once more, with the slopes and the steps of Keras: labels (n,)."""
    keras = import_keras()
    ops = keras.ops
    _, near = nearest_neighbours(pictures, chosen.n_neighbours)
    kmeans = KMeans(k, n_init=20, random_state=seed).fit(pictures)
    kept = semantic_module.choose_nouns(
        normalize(kmeans.cluster_centers_), vectors, chosen.n_nearest, 2
    )
    head = semantic_module._Head(pictures.shape[1], k, chosen, seed)
    decay = keras.regularizers.L2(chosen.weight_decay / 2)  # its slope: decay · w
    dense = keras.layers.Dense(
        k, activation="softmax", kernel_regularizer=decay, bias_regularizer=decay
    )
    image, neighbour = keras.Input(pictures.shape[1:]), keras.Input(pictures.shape[1:])
    both = ops.stack([dense(image), dense(neighbour)], axis=1)
    model = keras.Model([image, neighbour], both)
    dense.set_weights([head.weights, head.constants])

    def loss(labels, both):
        p, q = both[:, 0], both[:, 1]
        mean = ops.mean(p, axis=0)
        wanted = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), k)
        return (
            -ops.mean(ops.log(ops.sum(p * q, axis=1)))
            - chosen.semantic_weight * ops.mean(ops.log(ops.sum(p * wanted, axis=1)))
            + chosen.balance_weight * ops.sum(mean * ops.log(mean))
        )

    model.compile(keras.optimizers.Adam(chosen.learning_rate), loss=loss)
    generator, n = np.random.default_rng(seed), len(pictures)
    inputs = pictures.astype("float32")
    for _ in range(chosen.n_epochs):
        p = np.asarray(dense(inputs))
        centres = semantic_module.image_centres(pictures, p, chosen.confident)
        twins = semantic_module.semantic_centres(centres, vectors[kept], chosen.n_nouns)
        labels = semantic_module.pseudo_labels(pictures, twins)
        other = near[np.arange(n), generator.integers(near.shape[1], size=n)]
        generator.permutation(n)
        model.train_on_batch([inputs, inputs[other]], labels.astype("float32"))
    return np.asarray(dense(inputs)).argmax(axis=1)


@pytest.mark.parametrize("seed", [0, 1])
def test_sic_is_the_training_of_keras(seed):
    pictures, vectors = units(40, seed), units(30, seed + 2)  # nothing is clear here
    expected = by_keras(pictures, vectors, 3, QUICK, seed)
    found = semantic_module.sic(pictures, vectors, 3, QUICK, seed)
    assert same_partition(found, expected)


def test_sic_and_tac_find_the_groups_of_a_made_up_case_and_name_them():
    pictures, vectors, names, truth = made_up()
    for labels in (
        semantic_module.sic(pictures, vectors, 3, QUICK),
        semantic_module.tac(pictures, vectors, 3, n_centres=6, temperature=0.1),
    ):
        assert same_partition(labels, truth)
        named = nouns.name_clusters(pictures, vectors, names, labels, 2)
        letters = [{name[0] for name in named[label]} for label in range(3)]
        assert sorted(map(sorted, letters)) == [["a"], ["b"], ["c"]]


def test_sic_does_not_depend_on_the_order_where_the_groups_are_clear():
    pictures, vectors, _, truth = made_up()
    order = np.random.default_rng(1).permutation(len(pictures))
    labels = semantic_module.sic(
        pictures[order], vectors[::-1], 3, QUICK, random_state=2
    )
    assert same_partition(labels, truth[order])


def test_the_same_seed_gives_the_same_labels_and_history():
    pictures, vectors = units(40, 1), units(30, 2)
    runs = []
    for _ in range(2):
        history = []
        runs.append(
            (semantic_module.sic(pictures, vectors, 4, QUICK, 3, history), history)
        )
    assert (runs[0][0] == runs[1][0]).all()
    assert len(runs[0][1]) == QUICK.n_epochs
    for one, other in zip(runs[0][1], runs[1][1], strict=True):
        assert (one.pop("labels") == other.pop("labels")).all()
        assert one == pytest.approx(other, abs=1e-5)
    assert (
        semantic_module.tac(pictures, vectors, 4)
        == semantic_module.tac(pictures, vectors, 4)
    ).all()


def test_the_losses_improve_and_batches_need_not_divide_the_pictures():
    from dataclasses import replace

    pictures, vectors, _, truth = made_up()  # 36 pictures: 3 batches of 12
    history = []
    chosen = replace(QUICK, batch_size=13)
    labels = semantic_module.sic(pictures[:35], vectors, 3, chosen, 0, history)
    assert same_partition(labels, truth[:35])
    assert history[-1]["consistency"] < history[0]["consistency"]
    assert history[-1]["semantic"] < history[0]["semantic"]


def test_sic_says_what_is_wrong():
    pictures, vectors = units(20), units(9)
    for what, given_pictures, given_nouns in (
        ("images have lengths", 2 * pictures, vectors),
        ("nouns have lengths", pictures, vectors / 3),
        ("images must have shape", pictures[0], vectors),
        ("nouns contain NaN", pictures, vectors * np.nan),
        ("one space", pictures, units(9, width=4)),
    ):
        with pytest.raises(ValueError, match=what):
            semantic_module.sic(given_pictures, given_nouns, 3, QUICK)
    with pytest.raises(ValueError, match="got 21"):
        semantic_module.sic(pictures, vectors, 21, QUICK)
    with pytest.raises(ValueError, match="must be an integer from 1 to 19"):
        semantic_module.sic(pictures, vectors, 3)
    with pytest.raises(ValueError, match="No noun is left"):
        semantic_module.choose_nouns(pictures, vectors, 3, -1)


def test_the_default_settings_are_the_papers():
    paper = semantic_module.SICSettings()
    assert (paper.n_nearest, paper.generic, paper.confident) == (500, 0.95, 0.9)
    assert (paper.n_nouns, paper.n_neighbours) == (30, 20)
    assert (paper.semantic_weight, paper.balance_weight) == (0.1, 5)
    assert (paper.learning_rate, paper.weight_decay) == (1e-4, 1e-4)
    assert (paper.batch_size, paper.n_epochs) == (128, 100)


# TAC


@pytest.mark.parametrize("seed", range(4))
def test_spherical_kmeans_has_come_to_rest(seed):
    pictures = units(40, seed)
    labels, centres = semantic_module.spherical_kmeans(pictures, 5, seed)
    for picture, label in zip(pictures, labels, strict=True):
        assert picture @ centres[label] == pytest.approx((centres @ picture).max())
    for cluster in set(labels):
        total = pictures[labels == cluster].sum(axis=0)
        assert np.allclose(centres[cluster], total / np.linalg.norm(total))


def test_spherical_kmeans_of_few_images_in_many_dimensions_gives_their_centres():
    images = units(20, 3, width=60, shift=0.5)
    labels, centres = semantic_module.spherical_kmeans(images, 4)
    for cluster in range(4):
        total = images[labels == cluster].sum(axis=0)
        assert np.allclose(centres[cluster], total / np.linalg.norm(total))


def test_spherical_kmeans_finds_the_best_partition_of_few_pictures():
    pictures = units(7, 5, width=3)

    def value(labels):
        return sum(np.linalg.norm(pictures[labels == c].sum(axis=0)) for c in (0, 1))

    everything = [np.array([i >> j & 1 for j in range(7)]) for i in range(128)]
    labels, _ = semantic_module.spherical_kmeans(pictures, 2, n_init=30)
    assert value(labels) == pytest.approx(max(map(value, everything)))


def test_spherical_kmeans_takes_equal_pictures_and_as_many_clusters_as_pictures():
    same = normalize(np.ones((6, 3)))
    labels, centres = semantic_module.spherical_kmeans(same, 3)
    assert len(set(labels)) == 1 and np.isfinite(centres).all()
    assert same_partition(semantic_module.spherical_kmeans(units(5), 5)[0], range(5))


@EXAMPLES
@given(seeds, st.integers(1, 4))
def test_distinctive_nouns_are_those_of_the_slow_way(seed, n_each):
    pictures, vectors = units(25, seed), units(18, seed + 1)
    _, centres = semantic_module.spherical_kmeans(pictures, 4, seed)
    kept = []
    for centre in range(4):
        own = []
        for noun in range(18):
            powers = [math.exp(float(c @ vectors[noun])) for c in centres]
            if max(range(4), key=powers.__getitem__) == centre:
                own.append((powers[centre] / sum(powers), noun))
        kept += [noun for _, noun in sorted(own, reverse=True)[:n_each]]
    found = semantic_module.distinctive_nouns(pictures, vectors, 4, n_each, seed)
    assert found.tolist() == sorted(kept)


@EXAMPLES
@given(seeds, st.floats(0.01, 2))
def test_counterparts_are_those_of_the_slow_way(seed, temperature):
    pictures, vectors = units(6, seed), units(7, seed + 1)
    found = semantic_module.counterparts(pictures, vectors, temperature)
    for picture, row in zip(pictures, found, strict=True):
        powers = [math.exp(float(picture @ noun) / temperature) for noun in vectors]
        mixture = sum(w * noun for w, noun in zip(powers, vectors, strict=True))
        assert np.allclose(row, mixture / np.linalg.norm(mixture), atol=1e-6)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(5, 5)))
    turned = semantic_module.counterparts(pictures @ turn, vectors @ turn, temperature)
    assert np.allclose(turned, found @ turn, atol=1e-6)


def test_a_cold_counterpart_is_the_nearest_noun():
    pictures, vectors = units(6), units(7, 1)
    found = semantic_module.counterparts(pictures, vectors, 1e-6)
    assert np.allclose(found, vectors[(pictures @ vectors.T).argmax(axis=1)])


@pytest.mark.parametrize(
    ("n_images", "k", "n_centres"), [(60, 5, 15), (8, 3, 8), (1500, 2, 5)]
)
def test_tac_takes_as_many_centres_as_the_paper(n_images, k, n_centres, monkeypatch):
    asked = []

    def choose(images, vectors, n_centres, n_each, random_state):
        asked.append(n_centres)
        return np.arange(3)

    monkeypatch.setattr(semantic_module, "distinctive_nouns", choose)
    labels = semantic_module.tac(units(n_images, width=3), units(9, width=3), k)
    assert asked == [n_centres] and len(labels) == n_images


# Nouns and their names


def test_the_nouns_of_the_bundled_network_give_its_answers():
    from course_utils.representations import bundled

    names, vectors = nouns.imagenet_nouns()
    assert len(names) == 1000 and vectors.shape == (1000, 1280)
    assert names[0] == "tench"
    network = bundled.efficientnet_lite0()
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 224, 224, 3))
    keras = import_keras()
    both = keras.Model(
        network.input, [network.get_layer("pool").output, network.output]
    )
    pooled, answers = (np.asarray(x) for x in both.predict_on_batch(pictures))
    scores = pooled @ vectors.T + np.asarray(network.get_layer("top").bias)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert np.allclose(answers, expected, atol=1e-4)


def test_centred_vectors_have_length_one_and_ignore_what_all_share():
    vectors = np.random.default_rng(0).normal(size=(9, 4))
    found = nouns.centred(vectors)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert np.allclose(found, nouns.centred(3 * vectors + [5, -2, 0, 1]))
    with pytest.raises(ValueError, match="no direction"):
        nouns.centred(np.ones((3, 4)))


def test_clusters_are_named_by_the_nouns_nearest_their_centre():
    pictures, vectors, names, truth = made_up()
    labels = np.where(truth == 2, 7, truth)
    named = nouns.name_clusters(pictures, vectors, names, labels, 3)
    assert list(named) == [0, 1, 7]
    centre = sum(pictures[truth == 2])
    expected = sorted(range(24), key=lambda i: -float(vectors[i] @ centre))[:3]
    assert named[7] == [names[i] for i in expected]


def archive(folder, text, name="dict/data.noun"):
    path = folder / "nouns.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(text.encode())
        tar.addfile(member, io.BytesIO(text.encode()))
    return path


WORDNET = """  1 This software and database is being provided to you, the LICENSEE
00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | that which is perceived
07697537 13 n 02 hot_dog 0 red_hot 0 001 @ 07695965 n 0000 | a frankfurter
10187130 18 n 01 hot_dog 0 001 @ 09634494 n 0000 | someone who performs stunts
"""


def test_wordnet_gives_the_first_word_of_a_meaning_once(tmp_path):
    assert nouns.wordnet_nouns(archive(tmp_path, WORDNET)) == ["entity", "hot dog"]


def test_another_archive_is_not_wordnet(tmp_path, monkeypatch):
    for path in (archive(tmp_path, WORDNET, "other"), archive(tmp_path, "one two")):
        with pytest.raises(ValueError, match="not WordNet's archive"):
            nouns.wordnet_nouns(path)
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive(tmp_path, WORDNET * 50).read_bytes()[:80])
    with pytest.raises(ValueError, match="not WordNet's archive"):
        nouns.wordnet_nouns(cut)
    monkeypatch.setattr(nouns, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="claims"):
        nouns.wordnet_nouns(archive(tmp_path, WORDNET))


def test_wordnet_is_downloaded_once_and_only_as_it_is_known(
    serve, own_cache, tmp_path, monkeypatch
):
    from course_utils._support import files

    data = archive(tmp_path, WORDNET).read_bytes()
    address, asked = serve(data)
    monkeypatch.setattr(nouns, "WORDNET_URL", address)
    with pytest.raises(downloads.DownloadError, match="WordNet could not be"):
        nouns.wordnet_nouns()
    digest = files.sha256(tmp_path / "nouns.tar.gz")
    monkeypatch.setattr(nouns, "WORDNET_HASH", f"sha256:{digest}")
    before = len(asked)
    assert nouns.wordnet_nouns() == nouns.wordnet_nouns() == ["entity", "hot dog"]
    assert len(asked) == before + 1
