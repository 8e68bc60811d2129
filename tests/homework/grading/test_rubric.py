"""The rubric: what it refuses, and how a review becomes points."""

from pathlib import Path

import numpy as np
import pytest

from course_utils.homework import submission
from course_utils.homework.grading import rubric
from course_utils.homework.review import Review, Run

LATE = rubric.load_rubric()["late"]
AUTOMATIC = ("representations", "layers", "algorithms", "best_nmi")
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
    others = {"best_nmi", "answers"}
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
    rules = load("points: {best_nmi: 0, answers: 0}")
    assert rubric.max_points(rules) == 60
    assert rubric.points(a_review(), ANSWERS, rules)["best_nmi"].points == 0


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
    representation, algorithm, *_ = name.split("/")
    return Run(
        run=name,
        representation=representation,
        algorithm=algorithm,
        k=3,
        seed=1,
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
    found = Review(runs=list(runs or [a_run()]), self_supplied=self_supplied)
    found.exercises = dict.fromkeys(submission.CLAIMED, (6, 6))
    return found


def test_one_cluster_per_image_never_counts_for_the_best_nmi():
    rules = rubric.load_rubric()
    each = a_run("raw/l2+ward/k9/s0", nmi=1.0, trivial=True)
    parts = rubric.points(a_review(each), ANSWERS, rules)
    assert (parts["best_nmi"].points, parts["best_nmi"].reason) == (
        0,
        "no run is counted",
    )
    parts = rubric.points(a_review(each, a_run(nmi=0.55)), ANSWERS, rules)
    assert parts["best_nmi"].points == 10
    assert parts["best_nmi"].reason == "NMI 0.550 by raw/l2+kmeans/k3/s1"


@pytest.mark.parametrize(
    ("nmi", "points"), [(0.29, 0), (0.3, 5), (0.5, 10), (0.79, 15), (0.8, 20), (1, 20)]
)
def test_thresholds(nmi, points):
    parts = rubric.points(a_review(a_run(nmi=nmi)), [], rubric.load_rubric())
    assert parts["best_nmi"].points == points


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
    assert not_own["best_nmi"].points == 20


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
