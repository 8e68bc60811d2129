"""The rubric: what it refuses, and how a review becomes points."""

from pathlib import Path

import numpy as np
import pytest

from course_utils.homework import submission
from course_utils.homework.grading import rubric
from course_utils.homework.review import Review, Run

LATE = rubric.load_rubric()["late"]
AUTOMATIC = ("representations", "layers", "algorithms", "nmi_over_raw", "controls")
EARLIER = "points: {best_nmi: {points: 20}}"  # a rubric of an earlier edition
ANSWERS = [{"question": "Why?", "answer": "So."}]


@pytest.fixture
def load(tmp_path):
    """load(text) → the rubric of a file with this text."""

    def of_text(text):
        path = tmp_path / "own.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return rubric.load_rubric(path)

    return of_text


def test_the_default_rubric_has_100_points():
    rules = rubric.load_rubric()
    assert rubric.max_points(rules) == 100
    others = {"nmi_over_raw", "controls", "answers"}
    assert set(rules["points"]) == {*rubric.COVERAGE, *submission.CLAIMED, *others}


def test_the_default_rubric_as_a_file_of_one_s_own():
    assert rubric.load_rubric(rubric.DEFAULT) == rubric.load_rubric()


def test_a_rubric_of_one_s_own(load):
    rules = load("points: {nmi: 30, layers: {goal: 1}}\nlate: {percent_a_day: 5}\n")
    assert rules["points"]["nmi"] == {"points": 30}
    assert rules["points"]["layers"] == {"points": 10, "goal": 1}
    assert rules["late"] == LATE | {"percent_a_day": 5}
    assert load("") == load("# nothing\n") == rubric.load_rubric()


def test_json_and_short_forms(load):
    text = '{"points": {"best_nmi": {"thresholds": {"0.7": 20, "0.5": 10}}}}'
    thresholds = load(text)["points"]["best_nmi"]["thresholds"]
    assert list(thresholds.items()) == [(0.5, 10), (0.7, 20)]
    assert load("points: {layers: 0}")["points"]["layers"] == {"points": 0, "goal": 3}
    assert load("points: {purity: 7.5}")["points"]["purity"] == {"points": 7.5}
    assert load("own_pictures: false")["own_pictures"]["allowed"] is False
    assert load("\ufeffcount: best")["count"] == "best"


def test_a_part_may_be_switched_off(load):
    rules = load("points: {nmi_over_raw: 0, answers: 0}")
    assert rubric.max_points(rules) == 72
    assert rubric.points(a_review(), ANSWERS, rules)["nmi_over_raw"].points == 0


def test_a_rubric_of_an_earlier_edition_keeps_its_meaning(load):
    usual = rubric.load_rubric()["points"]
    earlier = load(EARLIER)["points"]
    assert set(earlier) == set(usual) - {"nmi_over_raw", "controls"} | {"best_nmi"}
    assert list(earlier)[-1] == "answers"
    assert earlier["best_nmi"]["thresholds"] == {0.3: 5, 0.5: 10, 0.7: 15, 0.8: 20}
    assert rubric.max_points({"points": earlier}) == 100
    assert rubric.max_points(load("points: {best_nmi: 0}")) == 80
    both = load("points: {controls: 12, best_nmi: 20}")["points"]
    assert "nmi_over_raw" not in both and both["controls"] == usual["controls"]
    load("points: {best_nmi: {thresholds: {0.1: 20}}}")  # changes no other rubric
    assert load(EARLIER)["points"] == earlier


WRONG = [
    ("ponts: {}", "line 1: has 'ponts'; known are count, points"),
    ("ponts: {}", "Did you mean 'points'?"),
    (
        "count: last\nlate:\n  grace: 5",
        "line 3: late: has 'grace'; known are grace",
    ),
    ("late: {grace_minute: 5}", "Did you mean 'grace_minutes'?"),
    ("points: {nmi: -1}", "a number from 0 on"),
    ("points: {nmi: lots}", "nmi is 'lots'"),
    ("points: {nmi: {points: .nan}}", "a number from 0 on"),
    ("points: {nmi: {points: .inf}}", "a number from 0 on"),
    ("points: {nmi: true}", "is"),
    ("points: {nmi: 10%}", "nmi is '10%'"),
    ("points: 5", "is 5: write"),
    ("count: first", "last or best"),
    ("own_seeds: 1", "true or false is needed"),
    ("leaderboard_names: 'no'", "true or false is needed"),
    ("own_pictures: {allowed: 1}", "true or false is needed"),
    ("salt: 5", "a text is needed, in quotes"),
    ("- a", "is no list of keys"),
    ("just words", "is no list of keys"),
    ("a: [", "line 1, cannot be read"),
    ("count: last\npoints:\n\tnmi: 5", "line 3, cannot be read"),
    ("!!python/object/apply:os.system ['true']", "cannot be read"),
    ("? [a]\n: b", "cannot be read: a key is a name or a number"),
    ("count: last\n---\ncount: best", "line 2, cannot be read"),
    ("2020-13-45: 1", "cannot be read"),
    (b"salt: \xe4", "cannot be read: save it as UTF-8"),
    ("salt: " + "x" * 70_000, "is larger than 64 kB"),
    ("[" * 20_000, "nested too deeply"),
    # a key twice, aliases
    ("points:\n  nmi: 10\n  nmi: 5", "line 3, cannot be read: 'nmi' was there before"),
    ("points: {nmi: 10, nmi: 10}", "'nmi' was there before, in line 1"),
    ("points: {best_nmi: {thresholds: {0.5: 9, 0.50: 20}}}", "0.5 was there before"),
    ("late: &x {grace_minutes: 5}\npoints: *x", "line 2, cannot be read: write it out"),
    # points that nobody can reach
    (
        "count: last\npoints:\n  best_nmi: {points: 40}",
        "line 3: best_nmi: it has 40 points, but its thresholds give 20 at most: write "
        "thresholds: {0.3: 10, 0.5: 20, 0.7: 30, 0.8: 40}.",
    ),
    (
        "points: {nmi_over_raw: 16}",
        "line 1: nmi_over_raw: it has 16 points, but its thresholds give 8 at most: "
        "write thresholds: {0.05: 4, 0.1: 8, 0.15: 12, 0.2: 16}.",
    ),
    ("points: {nmi_over_raw: {thresholds: {20: 8}}}", "Write 0.2 for 20 %"),
    ("points: {controls: {seeds: 1}}", "a number from 2 to 100 is needed"),
    ("points: {controls: {seeds: 2.5}}", "a whole number is needed"),
    ("points: {over_raw: 8}", "Did you mean 'nmi_over_raw'?"),
    ("points: {best_nmi: 5}", "it has 5 points, but its thresholds give 20 at most"),
    ("points: {best_nmi: {thresholds: {0.5: 10}}}", "it has 20 points, but its thres"),
    ("points: {best_nmi: {thresholds: {0.5: 0}}}", "let the last of them give all"),
    (
        "points:\n  best_nmi:\n    thresholds:\n      50: 10\n      70: 20",
        "line 4: thresholds: an NMI is at most 1, so nobody reaches 50. Write 0.5 for",
    ),
    ("points: {best_nmi: {thresholds: {0.5: 10, 1.2: 20}}}", "nobody reaches 1.2"),
    ("points: {best_nmi: {thresholds: {-0.5: 20}}}", "is below 0"),
    ("points: {best_nmi: {thresholds: {0.5: -20}}}", "is below 0"),
    (
        "points: {best_nmi: {thresholds: {0.5: 20, 0.7: 10}}}",
        "fewer points than a",
    ),
    ("points: {best_nmi: {thresholds: [1]}}", "write NMI: points"),
    ("points: {best_nmi: {thresholds: {a: 1}}}", "write NMI: points"),
    ("points: {best_nmi: {thresholds: {0.5: x}}}", "write NMI: points"),
    ("points: {best_nmi: {thresholds: {true: 20}}}", "a key is a name or a number"),
    ("points: {best_nmi: {thresholds: {}}}", "write NMI: points"),
    ("points: {best_nmi: {thresholds: }}", "write NMI: points"),
    ("points: {algorithms: {goal: 50}}", "a goal of 50 cannot be reached: there are 9"),
    (
        "points:\n  representations:\n    goal: 99",
        "line 3: representations: a goal of",
    ),
    ("points: {layers: {goal: 0}}", "a number from 1 on"),
    ("points: {layers: {goal: 2.5}}", "a whole number is needed"),
    ("points: {layers: {goal: -1}}", "a number from 0 on"),
    (
        "points: {"
        + ", ".join(f"{part}: 0" for part in rubric.load_rubric()["points"])
        + "}",
        "no part has any points",
    ),
    # the rest
    ("late: {percent_a_day: 110}", "percent_a_day is 110: a number from 0 to 100"),
    ("late: {most_percent: 101}", "a number from 0 to 100"),
    ("late: {most_percent: 50%}", "most_percent is '50%'"),
    ("late: {grace_minutes: -5}", "grace_minutes is -5: a number from 0 on"),
    ("most_clusters_per_class: 0", "a number from 1 on"),
    ("replay: true", "a number from 0 on"),
    ("replay: 2.5", "a whole number"),
    ("replay: 100000", "a number from 0 to 1000"),
    ("files_per_student: 0", "a number from 1 to 1000"),
    ("own_pictures: {most_percent: 120}", "a number from 0 to 100"),
    ("own_pictures: {min_pictures: many}", "min_pictures is 'many'"),
    ("own_pictures: 5%", "own_pictures is '5%': write allowed, most_percent"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_wrong_rubric_says_what_to_mend(load, tmp_path, text, words):
    with pytest.raises(ValueError) as raised:
        load(text)
    told = str(raised.value)
    assert words in told
    assert told.startswith(f"the rubric {tmp_path / 'own.yaml'}")
    assert len(told.replace(str(tmp_path), "")) < 400


def test_a_rubric_that_is_not_there(tmp_path):
    for path in (tmp_path, tmp_path / "none.yaml", Path("/dev/null/x")):
        with pytest.raises(ValueError, match="cannot be read"):
            rubric.load_rubric(path)


def test_a_bomb_of_aliases_is_refused_at_once(load):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    with pytest.raises(ValueError, match="line 2, cannot be read: write it out"):
        load("\n".join(lines))


def test_a_missing_secret_is_said(load):
    assert "every student can work out" in rubric.secret_note(rubric.load_rubric())
    assert rubric.secret_note(load("salt: ' '")) != ""
    assert rubric.secret_note(load("salt: garlic")) == ""


def test_what_others_need_has_defaults(load):
    rules = rubric.load_rubric()
    assert rules["compare_code"] is rules["leaderboard_names"] is False
    assert (rules["replay"], rules["files_per_student"]) == (3, 10)
    assert load("compare_code: true\nreplay: 0")["compare_code"] is True


# Points


def a_run(name="raw/l2+kmeans/k3/s1", nmi=0.85, counts=True, trivial=False):
    representation, algorithm, k, seed = name.split("/")
    return Run(
        run=name,
        representation=representation,
        algorithm=algorithm,
        k=int(k[1:]),
        seed=int(seed[1:]),
        claimed=dict.fromkeys(submission.CLAIMED),
        scores={"purity": nmi, "nmi": nmi, "fowlkes_mallows": nmi},
        n_clusters=3,
        counts=counts,
        why="" if counts else "one cluster",
        partition=name,
        trivial=trivial,
        labels=np.arange(30) % 3,
    )


def a_review(*runs, self_supplied=False):
    runs = runs or [a_run(nmi=0.3), a_run("hog/l2+kmeans/k3/s1")]
    found = Review(runs=list(runs), self_supplied=self_supplied)
    found.exercises = dict.fromkeys(submission.CLAIMED, (6, 6))
    return found


def runs_of(representation, *nmis, how="l2+kmeans/k3"):
    """One run per NMI, with seeds from 1 on."""
    return [
        a_run(f"{representation}/{how}/s{seed}", nmi)
        for seed, nmi in enumerate(nmis, 1)
    ]


def over_raw(*runs):
    """Points and reason of the margin over raw pixels."""
    part = rubric.points(a_review(*runs), [], rubric.load_rubric())["nmi_over_raw"]
    return part.points, part.reason


def test_one_cluster_per_image_never_counts(load):
    rules = load(EARLIER)
    each = a_run("raw/l2+ward/k9/s0", nmi=1.0, trivial=True)
    parts = rubric.points(a_review(each), ANSWERS, rules)
    assert (parts["best_nmi"].points, parts["best_nmi"].reason) == (
        0,
        "no run is counted",
    )
    assert over_raw(each) == (0, "no run is counted")
    parts = rubric.points(a_review(each, a_run(nmi=0.55)), ANSWERS, rules)
    assert parts["best_nmi"].points == 10
    assert parts["best_nmi"].reason == "NMI 0.550 by raw/l2+kmeans/k3/s1"


@pytest.mark.parametrize(
    ("nmi", "points"), [(0.29, 0), (0.3, 5), (0.5, 10), (0.79, 15), (0.8, 20), (1, 20)]
)
def test_thresholds_of_an_earlier_rubric(load, nmi, points):
    parts = rubric.points(a_review(a_run(nmi=nmi)), [], load(EARLIER))
    assert parts["best_nmi"].points == points


@pytest.mark.parametrize(
    ("nmi", "points"),
    [(0.2, 0), (0.34, 0), (0.35, 2), (0.4, 4), (0.45, 6), (0.49, 6), (0.5, 8), (1, 8)],
)
def test_thresholds_are_margins_over_raw_pixels(nmi, points):
    assert over_raw(*runs_of("raw", 0.3), *runs_of("hog", nmi))[0] == points


def test_the_mean_over_the_seeds_earns_and_not_the_luckiest_seed():
    raw = runs_of("raw", 0.3, 0.3, 0.3)
    lucky, steady = runs_of("hog", 0.1, 0.3, 0.9), runs_of("lbp", 0.46, 0.46, 0.46)
    points, reason = over_raw(*raw, *lucky, *steady)
    assert points == 6
    assert reason == (
        "'lbp' with 'l2+kmeans', k 3: mean NMI 0.460 (3 seeds), raw 0.300, margin 0.160"
    )


def test_a_line_without_raw_pixels_beside_it_earns_nothing_and_that_is_said():
    alone = runs_of("hog", 0.9, how="l2+ward/k3")
    assert over_raw(*alone) == (
        0,
        "no line has raw pixels with the same algorithm and k beside it",
    )
    for other in ("l2+kmeans/k3", "ward/k3", "l2+ward/k4"):
        assert over_raw(*alone, *runs_of("raw", 0.3, how=other))[0] == 0
    points, reason = over_raw(*alone, *runs_of("raw", 0.3), *runs_of("lbp", 0.42))
    assert points == 4
    assert reason.startswith("'lbp' with 'l2+kmeans', k 3: mean NMI 0.420 (1 seed)")
    assert reason.endswith(
        "'hog' with 'l2+ward', k 3 has 0.900, but no raw pixels beside it"
    )
    assert over_raw(*runs_of("raw", 0.9))[1].startswith("raw pixels alone")


def test_the_best_line_is_chosen_by_its_nmi_and_not_by_a_poor_baseline():
    poor = [*runs_of("raw", 0.0, how="average/k3")]
    poor += runs_of("hog", 0.4, how="average/k3")
    good = [*runs_of("raw", 0.5), *runs_of("hog", 0.6)]
    assert over_raw(*poor, *good)[0] == 4


def control_points(*runs):
    part = rubric.points(a_review(*runs), [], rubric.load_rubric())["controls"]
    return part.points, part.reason


def test_controls_are_paid_a_third_each():
    raw, hog = runs_of("raw", 0.3, 0.3, 0.3), runs_of("hog", 0.5, 0.5, 0.5)
    assert control_points(*raw, *hog) == (
        8,
        "raw pixels with 1 of 1 algorithms; 3 or more seeds in 2 of 2 randomised "
        "lines; the best line with 1 number of clusters",
    )
    more = runs_of("hog", 0.4, how="l2+kmeans/k4")
    points, reason = control_points(*raw, *hog, *more)
    assert points == 10.67 and reason.endswith("2 numbers of clusters")  # one seed
    more = runs_of("hog", 0.4, 0.4, 0.4, how="l2+kmeans/k4")
    assert control_points(*raw, *hog, *more)[0] == 12
    ward = runs_of("hog", 0.6, how="l2+ward/k3")
    assert control_points(*raw, *hog, *ward)[0] == 6  # raw pixels with one of two
    worse = runs_of("hog", 0.4, how="l2+ward/k4")
    assert control_points(*raw, *hog, *ward, *worse)[0] == 10


def test_controls_need_something_to_control():
    assert control_points(a_run(counts=False))[0] == 0
    assert control_points(*runs_of("raw", 0.3, 0.3, 0.3))[0] == 4  # seeds, no more
    assert control_points(*runs_of("raw", 0.3, how="ward/k3"))[0] == 0
    assert control_points(*runs_of("magic", 0.9, 0.9, 0.9))[0] == 0
    assert control_points(*runs_of("hog", 0.9, 0.9))[0] == 0


def of_own(rules, own_pictures):
    found = a_review(self_supplied=True)
    return rubric.points(found, ANSWERS, rules, own_pictures=own_pictures)


def test_own_pictures_lose_nothing_by_default():
    rules = rubric.load_rubric()
    own, given = of_own(rules, (92, 7)), rubric.points(a_review(), ANSWERS, rules)
    assert own == given


@pytest.mark.parametrize(
    ("text", "own_pictures", "reason"),
    [
        ("own_pictures: false", (92, 7), "pictures of one's own are not allowed"),
        ("", (19, 7), "too few pictures of one's own: 19, at least 20 needed"),
        ("", (92, 1), "too few classes of one's own: 1, at least 2 needed"),
        ("own_pictures: {min_pictures: 100}", (92, 7), "at least 100 needed"),
        ("own_pictures: {min_classes: 8}", (92, 7), "at least 8 needed"),
    ],
)
def test_own_pictures_that_do_not_do_earn_nothing(load, text, own_pictures, reason):
    rules = load(text)
    parts = of_own(rules, own_pictures)
    for name in AUTOMATIC:
        assert parts[name].points == 0 and reason in parts[name].reason
    for name in submission.CLAIMED:
        assert parts[name].points == parts[name].most
    assert parts["answers"].points is None  # for people to give
    not_own = rubric.points(a_review(), ANSWERS, rules, own_pictures=None)
    assert not_own["nmi_over_raw"].points == 8


@pytest.mark.parametrize("percent", [0, 10, 33.3, 50, 75, 100])
def test_own_pictures_may_be_capped(load, percent):
    rules = load(f"own_pictures: {{most_percent: {percent}}}")
    parts = of_own(rules, (92, 7))
    earned = sum(part.points for name, part in parts.items() if name != "answers")
    uncapped = rubric.points(a_review(), ANSWERS, rules)
    before = sum(p.points for name, p in uncapped.items() if name != "answers")
    most = 0.8 * percent
    assert earned <= min(before, most) + 1e-9
    assert earned == pytest.approx(min(before, most), abs=0.1)
    assert parts["answers"].points is None
    capped = "of the automatic points" in parts["purity"].reason
    assert capped == (before > most)
    assert np.isclose(earned, before) != capped
