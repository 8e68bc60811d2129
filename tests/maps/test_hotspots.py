"""Hotspots: made-up maps whose crowds and words are known, and slow references."""

import math

import numpy as np
import pytest
from small_sets import coloured, one_thread  # noqa: F401

from course_utils.images import datasets, image_set
from course_utils.maps import hotspots
from course_utils.representations import extraction, nouns

PLACES = np.array([[0, 0], [10, 0], [0, 10.0]])
SIZES = (30, 20, 12)


def crowds(seed=0, n_strays=4):
    """(points, features, crowd of each): three round crowds, -1 for strays far out."""
    generator = np.random.default_rng(seed)
    crowd = np.repeat([0, 1, 2], SIZES)
    points = PLACES[crowd] + generator.normal(size=(len(crowd), 2)) * 0.3
    strays = [[50 + 20 * i, -40 + 17 * i * i] for i in range(n_strays)]
    crowd = np.r_[crowd, -np.ones(n_strays, int)]
    features = generator.normal(size=(len(crowd), 6)) + 1
    return np.r_[points, np.reshape(strays, (-1, 2))], features, crowd


def test_crowds_are_found_biggest_first_and_strays_are_in_none():
    points, features, crowd = crowds()
    found = hotspots.find_hotspots(points, features)
    assert [spot.label for spot in found] == [0, 1, 2]
    for spot, place in zip(found, PLACES, strict=True):
        assert spot.members.tolist() == np.flatnonzero(crowd == spot.label).tolist()
        assert np.allclose(spot.centre, np.median(points[spot.members], axis=0))
        assert np.allclose(spot.centre, place, atol=0.3)
        assert spot.words == ()


def test_a_medoid_is_the_nearest_to_all_in_the_features_not_on_the_map():
    points, features, _ = crowds()
    vectors = features / np.linalg.norm(features, axis=1, keepdims=True)
    for spot in hotspots.find_hotspots(points, features):
        sums = {
            i: sum(1 - vectors[i] @ vectors[j] for j in spot.members)
            for i in spot.members.tolist()
        }
        assert spot.medoid == min(sums, key=sums.get)


@pytest.mark.parametrize("scale", [0.01, 1000])
def test_scale_place_and_order_of_a_map_do_not_count(scale):
    points, features, _ = crowds()
    order = np.random.default_rng(1).permutation(len(points))
    first = hotspots.find_hotspots(points, features)
    again = hotspots.find_hotspots(scale * points[order] + 5, features[order])
    for one, other in zip(first, again, strict=True):
        assert set(one.members) == set(order[other.members])
        assert one.medoid == order[other.medoid]


def test_small_crowds_need_a_small_min_size():
    points, features, _ = crowds(n_strays=0)
    assert len(hotspots.find_hotspots(points, features, min_size=12)) == 3
    assert len(hotspots.find_hotspots(points, features, min_size=15)) == 2
    assert hotspots.find_hotspots(points[:4], features[:4]) == []
    assert hotspots.find_hotspots(np.empty((0, 2)), np.empty((0, 3))) == []


def test_equal_points_and_zero_features_do_no_harm():
    points, features, _ = crowds()
    points[:30] = points[0]
    assert len(hotspots.find_hotspots(points, np.zeros_like(features))[0].members) == 30
    assert isinstance(hotspots.find_hotspots(np.zeros((20, 2)), features[:20]), list)


def test_bad_input_is_refused():
    points, features, _ = crowds()
    with pytest.raises(ValueError, match="shape"):
        hotspots.find_hotspots(features, features)
    with pytest.raises(ValueError, match="finite"):
        hotspots.find_hotspots(points * np.nan, features)
    with pytest.raises(ValueError, match="66 points, but features of 65"):
        hotspots.find_hotspots(points, features[1:])
    with pytest.raises(ValueError, match="66 points, but words of 2"):
        hotspots.find_hotspots(points, features, ["a", "b"])
    with pytest.raises(ValueError, match="min_size=1"):
        hotspots.find_hotspots(points, features, min_size=1)


def test_the_words_are_those_that_mark_a_crowd():
    points, features, crowd = crowds()
    subjects = ("A red bus", "Two dogs, running", "A traffic light", "A red thing")
    words = [f"{subjects[i]} in the city" for i in crowd]
    found = hotspots.find_hotspots(points, features, words)
    assert [spot.words[:1] for spot in found] == [
        ("red bus",),
        ("dogs",),
        ("traffic light",),
    ]
    assert all(w not in hotspots.STOP_WORDS for spot in found for w in spot.words)
    assert all("city" not in spot.words[0] for spot in found)
    assert [
        len(s.words) for s in hotspots.find_hotspots(points, features, words, n_words=1)
    ] == [1] * 3


def test_one_rare_caption_does_not_name_a_crowd():
    points, features, crowd = crowds()
    words = ["star" if i == 0 else "moon" for i in crowd]
    words[0] = "aardvark"
    assert hotspots.find_hotspots(points, features, words)[0].words == ("star",)
    assert hotspots.find_hotspots(points, features, [""] * len(crowd))[0].words == ()


def test_a_word_of_one_image_in_twenty_does_not_name_the_crowd():
    points, features, crowd = crowds()
    words = [f"a thing {i}" for i in range(len(crowd))]
    words[:2] = ["a gnu"] * 2
    assert hotspots.find_hotspots(points, features, words)[0].words == ()


def test_over_representation_is_that_of_the_formula():
    inside = hotspots.collections.Counter(a=8, b=2, c=1)
    everywhere = hotspots.collections.Counter(a=10, b=9, c=1, d=5)
    found = hotspots._over_represented(inside, everywhere)
    n1, n, w = 11, 25, hotspots.PRIOR
    for term, y in inside.items():
        prior, rest = w * everywhere[term], everywhere[term] - y
        odds_in = (y + prior) / (n1 + w * n - y - prior)
        odds_out = (rest + prior) / (n - n1 + w * n - rest - prior)
        deviation = math.sqrt(1 / (y + prior) + 1 / (rest + prior))
        expected = (math.log(odds_in) - math.log(odds_out)) / deviation
        assert found[term] == pytest.approx(expected)
    assert found["a"] > 0 > found["b"]


@pytest.mark.parametrize(
    ("caption", "others", "expected"),
    [
        ("Two dogs", "dog", {"dog"}),
        ("dogs", "cat", {"dogs"}),  # no caption holds the singular
        ("a bus of glass", "", {"bus", "glass"}),
        ("boxes, berries", "box berry", {"box", "berry"}),
        ("The red-hot chili", "", {"chili", "red-hot chili"}),
        ("Go means ahead only!", "", set()),  # no noun
        ("The green light means you can go", "", {"light", "green light"}),
        ("A crossing. Let other people go first", "", {"crossing"}),
        ("head cabbage, lemon", "", {"head cabbage", "lemon"}),  # the network's
        ("A pair of shoes, smiling", "", {"shoes"}),
        ("“Go” of 25 (cent)", "", {"cent"}),
        (
            "snow_man in Mali's sun",
            "",
            {"man", "snow man", "sun", "mali's sun"},
        ),
        ("", "", set()),
    ],
)
def test_terms_of_a_caption(caption, others, expected):
    first, _ = hotspots._terms([caption, others])
    assert {" ".join(term) for term in first} == expected


def test_words_of_are_the_captions_where_there_are_some():
    stamps = datasets.load("stamps", progress=False)
    assert hotspots.hotspot_words(stamps) == list(stamps.captions)
    spots = hotspots.find_hotspots(
        np.eye(len(stamps.class_names))[stamps.true_labels][:, :2]
        + np.random.default_rng(0).normal(size=(len(stamps), 2)) * 0.01,
        np.ones((len(stamps), 2)),
        hotspots.hotspot_words(stamps),
    )
    assert ("coin",) in [spot.words[:1] for spot in spots]


def test_without_captions_they_are_a_networks_guesses():
    stamps = datasets.load("stamps", progress=False)
    wanted = [c in ("A banana", "A lemon", "A corn cob") for c in stamps.captions]
    chosen = np.flatnonzero(wanted)[:2]
    chosen = chosen if len(chosen) else [0]
    nameless = image_set.from_bytes(
        "secret classes",
        {f"zebra/{i}.jpg": stamps.read(i) for i in chosen},
        labels={f"zebra/{i}.jpg": "zebra" for i in chosen},
    )
    words = hotspots.hotspot_words(nameless)
    assert len(words) == len(chosen) and all(words)
    assert not any("zebra" in text for text in words)  # the labels play no part


def test_guesses_are_the_sure_nouns_in_order(monkeypatch):
    probabilities = np.zeros((3, 1000), np.float32)
    probabilities[0, [1, 0]] = 0.6, 0.3
    probabilities[1, [0, 5, 6]] = 0.5, 0.1, 0.05
    probabilities[2, 7] = 0.01
    monkeypatch.setattr(extraction, "extract", lambda *a, **k: None)
    names = np.array(nouns.last_layer()[0])
    monkeypatch.setattr(hotspots, "_guesses", lambda pooled: (names, probabilities))
    words = hotspots.hotspot_words(coloured(1))
    assert words[:2] == ["goldfish, tench", "tench"]
    assert words[2] and "," not in words[2]


def test_the_last_layer_is_the_networks_own():
    """One pass through the network is enough: the same comes of a second one."""
    some = datasets.load("stamps", progress=False).subset([0, 60, 120])
    pooled = extraction.extract(some, hotspots.NETWORK, progress=False)
    whole = extraction.extract(some, "EfficientNetLite0:top")
    np.testing.assert_allclose(hotspots._guesses(pooled)[1], whole, atol=1e-4)


def test_describe_gives_each_cluster_its_own_words():
    texts = ["red apple", "green apple", "red car", "blue car", "a boat", "a boat"]
    found = hotspots.describe(texts, [0, 0, 1, 1, -1, -1], n_words=1)
    assert found == {0: ("apple",), 1: ("car",)}


def test_describe_refuses_labels_of_other_pictures():
    with pytest.raises(ValueError, match=r"2 texts, but labels of shape \(3,\)"):
        hotspots.describe(["a", "b"], [0, 1, 1])
