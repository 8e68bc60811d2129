"""A submission held against the pictures: what is recomputed, matched and flagged."""

from dataclasses import replace

import numpy as np
import pytest
from sample_submissions import (
    SCORES,
    clusters,
    hand_in,
    own_functions,
    pack,
    runs,
    unpack,
)
from sample_submissions import table as tabulate
from small_sets import coloured

from course_utils import metrics
from course_utils.homework import submission
from course_utils.homework.grading import rubric
from course_utils.homework.review import public_half, review_submission
from course_utils.homework.submission_file import read_submission

pytestmark = pytest.mark.usefixtures("no_answers")


@pytest.fixture
def sent(small, tmp_path):
    """sent(labels) → what is read of a submission with {(repr., alg., k, seed): …}."""

    def make(labels, change=None, of=small, **more):
        path = tmp_path / "a.zip"
        hand_in(path, of, "anna01", "Anna", tabulate(of, labels), **more)
        manifest, text = unpack(path.read_bytes())
        if change:
            change(manifest)
        return read_submission(pack(manifest, text))

    return make


def drawn(small, seed=1):
    return clusters(small.true_labels, "raw", "l2+kmeans", seed, 3)


def test_an_honest_submission_has_no_flags(small, good):
    found = review_submission(
        read_submission(good), small, own_seeds=True, public=public_half(small)
    )
    assert (found.errors, found.flags, found.notes) == ([], [], [])
    results, _ = runs(small, "anna01")
    by_run = results.set_index("run")
    assert [run.run for run in found.runs] == sorted(by_run.index)
    for run in found.runs:
        assert run.scores == {score: by_run[score][run.run] for score in SCORES}
        assert run.claimed == run.scores and run.counts and not run.differing
    assert found.best.scores["nmi"] == results["nmi"].max()
    assert found.exercises == dict.fromkeys(SCORES, (6, 6))


def test_claimed_scores_are_flagged_with_both_numbers(sent, small):
    def boast(manifest):
        manifest["runs"][0]["claimed"].update(nmi=0.98765, purity=None)

    labels = drawn(small)
    found = review_submission(sent({("raw", "l2+kmeans", 3, 1): labels}, boast), small)
    true = metrics.nmi(labels_true=small.true_labels, labels_pred=labels)
    (flag,) = found.flags
    assert "nmi claimed 0.9877" in flag and f"recomputed {true:.4g}" in flag
    assert "in 1 of 1 runs" in flag
    assert found.runs[0].differing == ["nmi"]
    assert found.best.scores["nmi"] == true


@pytest.mark.parametrize("value", [1e308, -1e308, 10**18 - 1, -1])
def test_a_claim_of_any_size_makes_a_short_flag(sent, small, value):
    def boast(manifest):
        manifest["runs"][0]["claimed"]["nmi"] = value

    found = review_submission(
        sent({("raw", "l2+kmeans", 3, 1): drawn(small)}, boast), small
    )
    assert len(found.flags) == 1 and len(found.flags[0]) < 250


def test_rounded_claims_are_no_difference(sent, small):
    def rounded(manifest):
        claimed = manifest["runs"][0]["claimed"]
        manifest["runs"][0]["claimed"] = {s: round(v, 3) for s, v in claimed.items()}

    found = review_submission(
        sent({("raw", "l2+kmeans", 3, 1): drawn(small)}, rounded), small
    )
    assert found.flags == []


def test_one_cluster_and_one_a_picture_never_win(sent, small):
    n = len(small)
    labels = {
        ("raw", "l2+ward", 1, 0): np.zeros(n, dtype=int),
        ("hog", "l2+ward", n, 0): np.arange(n),
        ("lbp", "l2+ward", 10, 0): np.arange(n) % 10,
        ("raw", "l2+kmeans", 3, 1): drawn(small),
    }
    found = review_submission(sent(labels), small, public=public_half(small))
    why = {run.representation: run.why for run in found.runs if not run.counts}
    assert why == {
        "raw": "one cluster",
        "hog": "30 clusters; at most 9 are counted",
        "lbp": "10 clusters; at most 9 are counted",
    }
    assert found.best.run == found.leading.run == "raw/l2+kmeans/k3/s1"
    none = review_submission(sent(dict(list(labels.items())[:2])), small)
    assert none.best is None and none.leading is None


def test_noise_is_a_cluster_for_the_bounds_but_not_for_k(sent, small):
    labels = drawn(small).copy()
    labels[:4] = -1
    found = review_submission(sent({("raw", "l2+kmeans", 3, 1): labels}), small)
    assert found.flags == [] and found.runs[0].n_clusters == 3
    only_noise = review_submission(
        sent({("raw", "dbscan", 3, 0): np.full(30, -1)}), small
    )
    assert only_noise.runs[0].why == "one cluster"


@pytest.mark.parametrize(
    ("labels", "change", "words"),
    [
        ("four", {}, "it has more clusters than its k."),
        ("true", {}, "its clusters are exactly the true classes."),
        ("drawn", {"representation": "DINOv9"}, "the course has no such repres"),
        ("drawn", {"algorithm": "magic"}, "the course has no such algorithm"),
        ("drawn", {"k": 7}, "the name does not say"),
        ("drawn", {"seed": 9}, "the seed is not one of this student's"),
    ],
)
def test_implausible_provenance_is_flagged(sent, small, labels, change, words):
    labels = {
        "four": np.arange(30) % 4,
        "true": (small.true_labels + 1) % 3,
        "drawn": drawn(small),
    }[labels]
    (seed,) = submission.seeds("anna01", 1)

    def edit(manifest):
        manifest["runs"][0].update(change)

    key = ("raw", "l2+kmeans", 3, seed)
    found = review_submission(sent({key: labels}, edit), small, own_seeds=True)
    assert any(words in flag for flag in found.flags + found.hints)
    assert found.best is not None  # it is for a person to look at


def test_one_result_under_two_representations_is_flagged(sent, small):
    labels = drawn(small)
    renamed = np.array([2, 0, 1])[labels]
    keys = ("raw", "l2+ward", 3, 0), ("hog", "l2+ward", 3, 0)
    found = review_submission(
        sent(dict(zip(keys, (labels, renamed), strict=True))), small
    )
    assert (len(found.flags), len(found.hints)) == (0, 1)
    assert "and 1 more: another representation has exactly the same" in found.hints[0]
    keys = ("raw", "l2+ward", 3, 0), ("raw", "l2+average", 3, 0)
    found = review_submission(
        sent(dict(zip(keys, (labels, renamed), strict=True))), small
    )
    assert found.flags == found.hints == []  # two algorithms may well agree


# Pictures


def test_another_order_is_matched_by_name(sent, small):
    order = np.random.default_rng(0).permutation(len(small))
    key = ("raw", "l2+kmeans", 3, 1)
    turned = small.subset(order)
    found = review_submission(sent({key: drawn(small)[order]}, of=turned), small)
    assert found.notes == ["its pictures are in another order; matched by name."]
    straight = review_submission(sent({key: drawn(small)}), small)
    assert found.flags == straight.flags == []
    assert found.runs[0].scores == straight.runs[0].scores
    assert found.runs[0].partition == straight.runs[0].partition


def test_missing_and_unknown_pictures(sent, small):
    other = coloured(9, ("red", "green", "cyan"))
    found = review_submission(
        sent({("raw", "l2+ward", 3, 0): drawn(other)}, of=other), small
    )
    assert found.runs == [] and found.best is None
    assert found.errors[0].startswith("12 pictures are missing: 'blue/0")
    assert found.errors[1].startswith("9 pictures are not known here: ")
    assert "those of coloured as it is here, 30 of them" in found.errors[2]


def test_other_files_behind_the_names_are_flagged(sent, small):
    digests = ("0" * 64, *small.digests[1:])
    other = replace(small, digests=digests)
    found = review_submission(
        sent({("raw", "l2+kmeans", 3, 1): drawn(small)}, of=other), small
    )
    assert found.errors == [] and "some files behind them were others" in found.flags[0]


def test_no_runs_is_an_error(good, small):
    manifest, _ = unpack(good)
    data = pack(manifest | {"runs": []}, "\n".join(["image", *small.images]))
    assert review_submission(read_submission(data), small).errors == [
        "it holds no runs."
    ]


# Labels of the student's own


def test_self_supplied_labels_are_scored_by_themselves_and_said(small, supplied):
    found = review_submission(
        read_submission(supplied), coloured(4), public=public_half(coloured(4))
    )
    assert found.self_supplied and found.errors == []
    assert "15 images of 'coloured' and their true labels" in found.notes[0]
    assert found.flags == []  # it is what the homework asks for
    assert found.leading is None and found.private == {}
    own = small.subset(slice(0, None, 2))
    results, _ = runs(own, "jo09", right=0.3)
    assert found.best.scores["nmi"] == results["nmi"].max()


def test_for_the_pictures_that_were_asked_for_our_labels_count(sent, small):
    wrong = replace(small, true_labels=drawn(small).copy())
    key = ("raw", "l2+kmeans", 3, 1)
    found = review_submission(
        sent({key: drawn(small)}, of=wrong, self_supplied_labels=True), small
    )
    assert not found.self_supplied
    assert "its own true labels differ from ours" in found.notes[0]
    assert found.best.scores["nmi"] < 0.9 and "claimed 1" in found.flags[0]


# Halves and exercises


def test_the_leader_is_chosen_by_the_mean_over_its_seeds(sent, small):
    public = public_half(small, "salt")
    some, less = np.array(small.true_labels), np.array(small.true_labels)
    some[::4], less[::2] = 0, 0
    labels = {
        ("raw", "l2+kmeans", 3, 1): small.true_labels,  # the luckiest run of all
        ("raw", "l2+kmeans", 3, 2): np.arange(30) % 3,
        ("hog", "l2+kmeans", 3, 1): less,
        ("hog", "l2+kmeans", 3, 2): some,
    }
    found = review_submission(sent(labels), small, public=public)
    assert (found.leading.representation, found.leading.seed) == ("hog", 2)
    for half, scored in ((public, found.public), (~public, found.private)):
        true = small.true_labels[half]
        both = [
            metrics.nmi(labels_true=true, labels_pred=one[half]) for one in (less, some)
        ]
        assert scored["nmi"] == pytest.approx(np.mean(both))


def test_the_leader_is_chosen_on_the_public_half_alone(sent, small):
    public = public_half(small, "salt")
    on_public = np.where(public, small.true_labels, np.arange(30) % 3)
    on_private = np.where(public, np.arange(30) % 3, small.true_labels)
    keys = ("raw", "l2+kmeans", 3, 1), ("hog", "l2+kmeans", 3, 2)
    labels = dict(zip(keys, (on_public, on_private), strict=True))
    found = review_submission(sent(labels), small, public=public)
    assert found.leading.representation == "raw" and found.leading.public == 1
    expected = metrics.nmi(
        labels_true=small.true_labels[~public], labels_pred=on_public[~public]
    )
    assert found.private["nmi"] == pytest.approx(expected) and expected < 0.5


def test_exercises_are_counted_on_the_student_s_own_probes(sent, small):
    key = ("raw", "l2+kmeans", 3, 1)
    half = [0]

    def sometimes(true_labels, cluster_labels):
        half[0] += 1
        value = SCORES["nmi"](labels_true=true_labels, labels_pred=cluster_labels)
        return value if half[0] % 2 else value + 0.01

    functions = own_functions(nmi=sometimes, purity=lambda true, clusters: 1.0)
    values = submission.exercise_values("anna01", **functions)
    found = review_submission(sent({key: drawn(small)}, exercises=values), small)
    assert found.exercises["purity"][0] < 6
    assert found.exercises["nmi"] == (3, 6)
    assert found.exercises["fowlkes_mallows"] == (6, 6)
    theirs = submission.exercise_values("bo02", **own_functions())
    found = review_submission(sent({key: drawn(small)}, exercises=theirs), small)
    assert all(right < 6 for right, _ in found.exercises.values())
    for wrong in ({}, {"nmi": []}, {"nmi": [0.5] * 99}, {"nmi": [1e308] * 6}):
        found = review_submission(sent({key: drawn(small)}, exercises=wrong), small)
        assert found.exercises["nmi"] == (0, 6)


# Representations and layers that exist


@pytest.mark.parametrize(
    "invented", ["VGG19:a", "VGG19:fc9", "SqueezeNet:fire10", "EfficientNetLite0:VGG19"]
)
def test_an_invented_layer_is_flagged_and_earns_nothing(sent, small, invented):
    labels = drawn(small)
    keys = (invented, "l2+kmeans", 3, 1), ("VGG19:fc2", "l2+kmeans", 3, 1)
    other = np.roll(labels, 1)
    found = review_submission(
        sent(dict(zip(keys, (other, labels), strict=True))), small
    )
    real, wrong = sorted(found.runs, key=lambda run: run.representation == invented)
    assert real.counts and real.known and found.best is real
    assert not wrong.counts and not wrong.known
    assert wrong.why == f"there is no layer '{invented}'"
    (flag,) = (flag for flag in found.flags if "no such layer" in flag)
    assert flag.startswith(f"'{invented}/l2+kmeans/k3/s1'")
    parts = rubric.points(found, [], rubric.load_rubric())
    assert parts["layers"].reason == "1 (3 asked): VGG19:fc2"
    assert parts["representations"].reason == "1 (5 asked): VGG19"


@pytest.mark.parametrize("layer", ["", ":", ":block5_pool", ":flatten", ":fc1"])
def test_layers_that_exist_count(sent, small, layer):
    key = (f"VGG19{layer}", "l2+kmeans", 3, 1)
    (run,) = review_submission(sent({key: drawn(small)}), small).runs
    assert run.counts and run.known


@pytest.mark.parametrize(
    ("representation", "algorithm"),
    [("bovw:x", "kmeans"), ("raw", "zzz+kmeans"), ("raw", "magic"), ("DINO", "ward")],
)
def test_what_the_course_cannot_run_is_no_coverage(
    sent, small, representation, algorithm
):
    key = (representation, algorithm, 3, 1)
    found = review_submission(sent({key: drawn(small)}), small)
    parts = rubric.points(found, [], rubric.load_rubric())
    for part in ("representations", "layers", "algorithms"):
        assert parts[part].points == 0 and parts[part].reason.endswith("none")
    assert any("the course has no such" in flag for flag in found.flags)


def test_layers_of_one_network_may_have_the_same_clusters(sent, small):
    labels = drawn(small)
    keys = [(f"EfficientNetLite0{la}", "l2+kmeans", 3, 1) for la in ("", ":pool")]
    assert review_submission(sent(dict.fromkeys(keys, labels)), small).flags == []


def test_nearly_all_images_in_one_cluster_say_little(sent, small):
    noise = np.zeros(30, dtype=int)
    noise[:4] = 1
    keys = ("raw", "hdbscan", 3, 0), ("hog", "hdbscan", 3, 0)
    assert review_submission(sent(dict.fromkeys(keys, noise)), small).flags == []


def test_labels_are_in_the_order_of_the_images(sent, small):
    key = ("raw", "l2+kmeans", 3, 1)
    labels, order = drawn(small), np.random.default_rng(0).permutation(len(small))
    turned = sent({key: labels[order]}, of=small.subset(order))
    one = review_submission(turned, small).runs[0]
    two = review_submission(sent({key: 2 - labels}), small).runs[0]
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.labels.dtype == np.uint8 and one.labels[0] == 0
    own = {"self_supplied_labels": True}
    other = coloured(4)
    turned = sent({key: labels[order]}, of=small.subset(order), **own)
    straight = sent({key: labels}, of=small, **own)
    one, two = review_submission(turned, other), review_submission(straight, other)
    assert one.images == two.images
    np.testing.assert_array_equal(one.runs[0].labels, two.runs[0].labels)


# Lines, and the seeds that were left out


def test_lines_are_means_over_seeds_and_know_their_raw_pixels(sent, small):
    labels = {
        ("raw", "l2+kmeans", 3, 1): clusters(small.true_labels, "raw", "x", 1, 3, 0.3),
        ("hog", "l2+kmeans", 3, 1): drawn(small),
        ("hog", "l2+kmeans", 3, 2): drawn(small, 2),
        ("hog", "l2+ward", 3, 0): drawn(small, 3),
    }
    found = review_submission(sent(labels), small)
    lines = {(line.representation, line.algorithm): line for line in found.lines}
    assert len(lines) == 3
    hog = lines["hog", "l2+kmeans"]
    by_seed = {run.seed: run.scores["nmi"] for run in hog.runs}
    assert set(by_seed) == {1, 2}
    assert hog.nmi == pytest.approx(np.mean(list(by_seed.values())))
    assert hog.raw == lines["raw", "l2+kmeans"] and hog.raw.raw is None
    assert hog.margin == pytest.approx(hog.nmi - hog.raw.nmi)
    assert lines["hog", "l2+ward"].margin is None
    assert found.compared == hog
    best, worst, _ = found.decisive
    assert best.scores["nmi"] == max(by_seed.values()) and worst.representation == "raw"
    means = [line.nmi for line in found.lines]
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize(
    ("places", "flagged"), [((0, 1, 2), False), ((1, 2, 4), True), ((0, 2), True)]
)
def test_seeds_that_are_left_out_are_flagged(sent, small, places, flagged):
    own = submission.seeds("anna01", 6)
    labels = {("hog", "l2+kmeans", 3, own[i]): drawn(small, i) for i in places}
    labels["hog", "l2+ward", 3, 0] = drawn(small, 9)
    found = review_submission(sent(labels), small, own_seeds=True)
    assert any("seeds of this student are left out" in f for f in found.flags) == (
        flagged
    )
    assert not review_submission(sent(labels), small).flags
