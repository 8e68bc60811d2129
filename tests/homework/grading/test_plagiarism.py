"""Who has the runs, answers or code of somebody else, and who is told so."""

import itertools
import time
from datetime import timedelta

import numpy as np
import pytest
from sample_submissions import DEADLINE

from course_utils.clustering import algorithms, validation
from course_utils.homework import submission
from course_utils.homework.grading import plagiarism
from course_utils.homework.grading.grader import Entry, Student
from course_utils.homework.grading.inbox import Receipt
from course_utils.homework.review import Review, Run, partition_of
from course_utils.images import datasets
from course_utils.representations import extraction

NETS = ("raw", "colour", "hog", "lbp", "VGG19", "ResNet50")


def run(labels, representation="raw", algorithm="l2+kmeans", seed=0, k=3, nmi=0.5):
    labels = validation.renumber(np.asarray(labels))
    name = f"{representation}/{algorithm}/k{k}/s{seed}"
    scores = dict.fromkeys(("purity", "nmi", "fowlkes_mallows"), nmi)
    trivial = len(set(labels.tolist())) in (1, len(labels))
    about = name, representation, algorithm, k, seed, scores, scores, k
    return Run(*about, True, "", partition_of(labels), trivial, labels=labels)


def student(number, runs=(), answers=(), hours=None, code=None):
    """hours: when the platform got it; None if it does not tell."""
    name = f"Name {number}"
    when = None if hours is None else DEADLINE + timedelta(hours=hours)
    source = "" if hours is None else "receipts file"
    receipt = Receipt(f"{number}.zip", 10, "canvas", name, str(number), when, source)
    answers = [{"question": "Why?", "answer": answer} for answer in answers]
    entry = Entry(receipt, f"s{number}", name, answers=answers)
    entry.review = Review(list(runs))
    entry.code = code or {}
    return Student(f"s{number}", name, entries=[entry], counted=entry)


def flags_of(*classes, flag=plagiarism.flag_copies, hours=None, **options):
    """The flags of each student, who has these runs."""
    hours = hours or [None] * len(classes)
    students = [student(i, runs, hours=hours[i]) for i, runs in enumerate(classes)]
    flag(students, **options)
    return [student.flags for student in students]


DRAWN = [np.random.default_rng(i).integers(0, 3, 60) for i in range(12)]


def moved(labels, n_images, seed=0):
    """The labels with n images in another cluster."""
    labels, generator = np.array(labels), np.random.default_rng(seed)
    images = generator.choice(len(labels), n_images, replace=False)
    labels[images] = (labels[images] + 1) % 3
    return labels


def many_labels(seed, n_runs=6, n_images=200):
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 3, n_images) for _ in range(n_runs)]


def whole(labels, seed, n_moved=0):
    """A run of each representation, from this seed."""
    return [
        run(moved(one, n_moved, seed), name, seed=seed)
        for one, name in zip(labels, NETS, strict=True)
    ]


# Runs


def test_a_copy_under_other_seeds_and_cluster_numbers_is_flagged():
    theirs = [run(labels, seed=i) for i, labels in enumerate(DRAWN[:4])]
    copied = [run(2 - labels, seed=i + 50) for i, labels in enumerate(DRAWN[:4])]
    others = [run(labels, seed=i + 70) for i, labels in enumerate(DRAWN[4:8])]
    one, two, three = flags_of(theirs, copied, others)
    words = "4 of 4 runs with chance in them have exactly the clusters of 'Name"
    assert len(one) == len(two) == 1 and three == []
    assert one[0] == (
        f"{words} 1' ('s1'), from other seeds. Who was first is not known."
    )
    assert two[0].startswith(f"{words} 0' ('s0')")


@pytest.mark.parametrize(("hours", "later"), [((1, 2), 1), ((2, 1), 0)])
def test_of_two_only_the_later_one_is_flagged(hours, later):
    theirs = [run(labels, seed=i) for i, labels in enumerate(DRAWN[:4])]
    copied = [run(labels, seed=i + 50) for i, labels in enumerate(DRAWN[:4])]
    flags = flags_of(theirs, copied, hours=hours)
    assert flags[1 - later] == []
    (flag,) = flags[later]
    assert f"'Name {1 - later}'" in flag and "handed in first." in flag


def test_the_file_number_of_the_platform_tells_who_was_first():
    theirs = [run(labels, seed=i) for i, labels in enumerate(DRAWN[:4])]
    copied = [run(labels, seed=i + 50) for i, labels in enumerate(DRAWN[:4])]

    students = [student(0, theirs), student(1, copied)]
    for who, number in zip(students, (100, 99), strict=True):
        who.counted.receipt = Receipt("a.zip", lms="canvas", order=(number, 0))
    plagiarism.flag_copies(students)
    assert students[1].flags == [] and "'Name 1'" in students[0].flags[0]
    students[0].counted.receipt = Receipt("a.zip", lms="moodle", order=(100, 0))
    for who in students:
        who.flags.clear()
    plagiarism.flag_copies(students)  # numbers of two platforms say nothing
    assert all("not known" in who.flags[0] for who in students)


def test_who_had_it_in_an_earlier_file_was_first():
    theirs = [run(labels, seed=i) for i, labels in enumerate(DRAWN[:4])]
    copied = [run(labels, seed=i + 50) for i, labels in enumerate(DRAWN[:4])]
    others = [run(labels, seed=i) for i, labels in enumerate(DRAWN[4:8])]
    anna, ben = student(0, theirs, hours=5), student(1, copied, hours=3)
    anna.entries = [student(0, theirs, hours=1).counted, anna.counted]
    ben.entries = [student(1, others, hours=0).counted, ben.counted]
    plagiarism.flag_copies([anna, ben])
    assert anna.flags == [] and "handed in first" in ben.flags[0]


def test_what_the_replay_refuted_is_not_the_victim_s():
    theirs = [run(labels, seed=i) for i, labels in enumerate(DRAWN[:4])]
    copied = [run(labels, seed=i + 50) for i, labels in enumerate(DRAWN[:4])]
    copied[0].outcome = "refuted"
    one, two = flags_of(theirs, copied, hours=(2, 1))
    assert one == [] and "'Name 0'" in two[0]
    confirmed = [run(labels, seed=i + 50) for i, labels in enumerate(DRAWN[:4])]
    for honest in confirmed[:2]:
        honest.outcome = "confirmed"
    assert flags_of(theirs[:4], confirmed, hours=(1, 2))[1] == []


def test_near_copies_over_several_representations_are_flagged():
    labels = many_labels(0)
    honest = [whole(many_labels(i), seed=100 + i) for i in range(1, 4)]
    for n_moved in (1, 3, 6):
        victim, thief, *others = flags_of(
            whole(labels, 10), whole(labels, 20, n_moved), *honest, hours=range(5)
        )
        assert victim == [] and others == [[]] * 3
        assert "6 of 6 runs with chance in them have nearly the clusters" in thief[0]
    assert flags_of(whole(labels, 10), whole(labels, 20, 20)) == [[], []]
    few = whole(labels, 10)[:4], whole(labels, 20, 3)[:4]
    assert flags_of(*few) == [[], []]  # which honest ones may have as well


def test_a_copy_with_some_runs_of_one_s_own_is_flagged():
    labels, own = many_labels(0), many_labels(1)
    theirs = whole(labels, 10)
    copied = whole([*labels[:5], own[5]], 20, 2)
    assert flags_of(theirs, copied, hours=(1, 2))[1] != []
    half = whole([*labels[:3], *own[3:]], 20, 2)
    assert flags_of(theirs, half, hours=(1, 2)) == [[], []]


def test_other_names_of_the_runs_do_not_hide_a_copy():
    labels = many_labels(0)
    theirs = whole(labels, 10)
    turned = [
        run(moved(one, 1), name, "spectral", seed=20)
        for one, name in zip(labels, NETS[::-1], strict=True)
    ]
    assert "nearly the clusters" in flags_of(theirs, turned, hours=(1, 2))[1][0]


@pytest.mark.parametrize("n_moved", [0, 2])
@pytest.mark.parametrize("size", [2, 6, 12])
def test_a_ring_of_any_size_is_found(size, n_moved):
    labels = many_labels(0)
    ring = [whole(labels, 1000 + i, n_moved) for i in range(size)]
    honest = [whole(many_labels(i), 10 + i) for i in range(1, 14)]
    flags = flags_of(*ring, *honest, hours=range(size + 13))
    assert flags[0] == [] and flags[size:] == [[]] * 13
    assert all(1 <= len(found) <= 4 for found in flags[1:size])
    assert all("'Name 0' ('s0')" in found[0] for found in flags[1:size])
    flags = flags_of(*ring, *honest)
    assert all(1 <= len(found) <= 4 for found in flags[:size])
    assert all("first is not known" in found[0] for found in flags[:size])


def test_a_ring_with_few_representations_is_found():
    ring = [
        [run(labels, seed=10 * i + j) for j, labels in enumerate(DRAWN[:4])]
        for i in range(7)
    ]
    flags = flags_of(*ring, hours=range(7))
    assert flags[0] == [] and all("'Name 0'" in found[0] for found in flags[1:])


def test_the_seeds_of_somebody_else_are_told_from_common_ones():
    def with_seeds(seeds, draws=DRAWN):
        drawn = itertools.cycle(draws)
        return [run(next(drawn), name, seed=s) for name in NETS for s in seeds]

    theirs = with_seeds(submission.seeds("s0", 2))
    thief, other = (
        theirs[:],
        with_seeds(submission.seeds("s2", 2), many_labels(99, 12, 60)),
    )
    one, two, three = flags_of(theirs, thief, other)
    assert one == three == []
    assert two == [
        "12 of 12 runs with chance in them have the seeds and the clusters of 'Name 0' "
        "('s0'). Seeds follow from the student id."
    ]
    usual = with_seeds(range(2))
    assert flags_of(usual, usual, usual) == [[]] * 3


def test_runs_that_are_the_same_from_any_seed_are_exempt():
    def of(number):
        return [
            run(labels, name, seed=10 * number + s)
            for labels, name in zip(DRAWN, NETS, strict=False)
            for s in (0, 1)
        ]

    assert flags_of(of(0), of(1), of(2)) == [[]] * 3
    once = [of(number)[::2] for number in range(12)]  # half of the class has it
    assert flags_of(*once) == [[]] * 12


def test_deterministic_runs_and_equal_seeds_are_exempt():
    ward = [run(labels, f"r{i}", "l2+ward") for i, labels in enumerate(DRAWN[:6])]
    seeds = [run(labels, seed=i) for i, labels in enumerate(DRAWN[6:])]
    assert flags_of(ward + seeds, ward + seeds) == [[], []]
    few = [run(labels, seed=i + 9) for i, labels in enumerate(DRAWN[6:8])]
    assert flags_of(seeds, few) == [[], []]  # k-means often ends in the same place


def test_clusters_of_another_representation_are_flagged():
    hog, vgg = run(DRAWN[0], "hog", "l2+ward"), run(DRAWN[0], "VGG19:fc2", "l2+ward")
    (one,), (two,) = flags_of([hog], [vgg])
    assert one == (
        "'hog/l2+ward/k3/s0' has exactly the clusters of 'VGG19:fc2/l2+ward/k3/s0' of "
        "'Name 1' ('s1'). Who was first is not known."
    )
    assert "of 'hog/l2+ward/k3/s0' of 'Name 0'" in two
    assert flags_of([hog], [vgg], hours=(2, 1))[1] == []
    last = run(DRAWN[0], "VGG19", "l2+ward")  # the last layer, by two names
    assert flags_of([last], [vgg]) == [[], []]


def test_trivial_clusters_are_nobody_s():
    trivial = [run(np.zeros(60), "hog"), run(np.arange(60), "lbp")]
    assert flags_of(trivial, [run(np.zeros(60)), run(np.arange(60))]) == [[], []]


def test_runs_on_other_images_are_not_compared():
    students = [
        student(0, whole(many_labels(0), 1)),
        student(1, whole(many_labels(0), 2)),
    ]
    students[0].counted.review.images = "some"
    students[1].counted.review.images = "others"
    plagiarism.flag_copies(students)
    assert [who.flags for who in students] == [[], []]


def test_thousands_of_equal_runs_take_no_time():
    same = [
        [run(DRAWN[0], f"r{seed % 3}", seed=seed + 1000 * i) for seed in range(1000)]
        for i in range(5)
    ]
    started = time.process_time()
    flags = flags_of(*same)
    assert time.process_time() - started < 3  # was 25 million pairs
    # The others' representations are told; equal seeds of one's own tell nothing.
    assert all(len(found) == 4 for found in flags)


@pytest.mark.slow  # 25 students cluster real features
def test_nobody_is_flagged_in_an_honest_class():
    stamps = datasets.load("stamps", progress=False)
    names = ("raw", "colour", "hog", "lbp", "SqueezeNet", "EfficientNetLite0")
    features = {name: extraction.extract(stamps, name) for name in names}
    ward = {name: algorithms.cluster(features[name], "ward", 7) for name in names}
    students = []
    for number in range(25):
        runs = [run(ward[name], name, "ward", 0, 7) for name in names]
        for name, seed in itertools.product(names, submission.seeds(f"s{number}", 2)):
            labels = algorithms.cluster(features[name], "l2+kmeans", 7, seed)
            runs.append(run(labels, name, "l2+kmeans", seed, 7))
        students.append(student(number, runs, hours=number))
    plagiarism.flag_copies(students)
    plagiarism.flag_far(students)
    assert [who.flags for who in students] == [[]] * 25


# Answers and code

LONG = (
    "EfficientNet won with an NMI of 0.71 because its features were trained on a "
    "million photographs, and the second best one, the histogram of colours, only "
    "sees that flowers are red and that the sky behind the birds is blue."
)
OTHER = (
    "I think the network is ahead since it knows what a dog looks like from every "
    "side. Colours came second; I had expected the gradients to do better, but the "
    "stamps are drawn in so many styles that edges tell little about the motif."
)


def answered(*answers, hours=None):
    hours = hours or [None] * len(answers)
    students = [
        student(i, answers=[answer], hours=hours[i]) for i, answer in enumerate(answers)
    ]
    plagiarism.flag_copies(students)
    return [who.flags for who in students]


@pytest.mark.parametrize(
    "copied",
    [
        LONG,
        LONG.upper().replace(",", " ;"),
        LONG.replace("million", "huge number of").replace("0.71", "0.68"),
        f"My own opinion is this. {LONG}",
    ],
)
def test_an_answer_of_somebody_else_is_flagged(copied):
    one, two, three = answered(LONG, copied, OTHER, hours=(1, 2, 3))
    assert one == three == []
    assert "1 written answer is almost word for word that of 'Name 0'" in two[0]
    one, two, three = answered(LONG, copied, OTHER)
    assert "not known" in one[0] and "not known" in two[0] and three == []


def test_a_refuted_run_does_not_take_an_answer_from_its_author():
    made_up = run(DRAWN[0])
    made_up.outcome = "refuted"
    students = [
        student(0, [made_up], [LONG], hours=1),
        student(1, [run(DRAWN[1])], [LONG], hours=2),
    ]
    plagiarism.flag_copies(students)
    assert students[0].flags == [] and "handed in first" in students[1].flags[0]


def test_the_question_quotations_and_short_answers_do_not_count():
    assert answered("It was the network.", "It was the network.") == [[], []]
    question = " ".join(submission.QUESTIONS)
    assert answered(f"{question} VGG", f"{question} ResNet") == [[], []]
    assert answered(f"> {LONG}\nYes.", f"> {LONG}\nNo.") == [[], []]
    assert answered(f'"{LONG}" Yes.', f"“{LONG}” No.") == [[], []]
    assert answered(LONG, OTHER) == [[], []]
    assert answered("", "\u0000" * 50, "é " * 50) == [[]] * 3


def test_what_nearly_everybody_wrote_was_given_to_them():
    given = "The best representation of the stamps was the one that is named here: "
    own = [" ".join(f"word{i}x{j}" for j in range(30)) for i in range(8)]
    assert answered(*(given + text for text in own)) == [[]] * 8


def test_a_ring_of_answers_names_few():
    own = [" ".join(f"word{i}x{j}" for j in range(30)) for i in range(8)]
    flags = answered(*[LONG] * 12, *own, hours=range(20))
    assert flags[0] == [] and flags[12:] == [[]] * 8
    assert all(1 <= len(found) <= 4 for found in flags[1:12])


CODE = "\n".join(f"    value_{i} = table[{i}].sum() / total + {i}" for i in range(9))


def test_the_same_code_is_flagged_where_the_rubric_asks():
    def coded(*texts, **options):
        students = [
            student(i, code={"nmi": text}, hours=i) for i, text in enumerate(texts)
        ]
        plagiarism.flag_copies(students, **options)
        return [who.flags for who in students]

    head = "def nmi(true, clusters):\n"
    texts = head + CODE, f"{head}    # mine\n\n{CODE}  # too", head + CODE[:-3]
    assert coded(*texts) == [[]] * 3
    one, two, three = coded(*texts, compare_code=True)
    assert one == three == []
    assert two == [
        "the code of 'nmi' is that of 'Name 0' ('s0'). 'Name 0' ('s0') handed in first."
    ]
    assert coded("x = 1", "x = 1", compare_code=True) == [[], []]
    assert coded(*[head + CODE] * 6, compare_code=True) == [[]] * 6  # many have it
    none = [student(0), student(1)]
    del none[0].counted.code
    none[1].counted.code = None
    plagiarism.flag_copies(none, compare_code=True)
    assert [who.flags for who in none] == [[], []]


# Scores


def test_scores_far_from_the_middle_of_the_class_are_flagged():
    classes = [[run(DRAWN[0], nmi=nmi)] for nmi in (0.5, 0.52, 0.48, 0.5, 0.9)]
    *usual, far = flags_of(*classes, flag=plagiarism.flag_far)
    assert usual == [[]] * 4
    assert "has NMI 0.900; the middle of the class for this is 0.500." in far[0]
    assert flags_of(*classes[1:], flag=plagiarism.flag_far) == [[]] * 4  # too few


def test_one_flag_for_all_that_is_far():
    def of(nmi):
        return [run(DRAWN[0], name, nmi=nmi + i / 100) for i, name in enumerate(NETS)]

    *usual, far = flags_of(
        *map(of, (0.5, 0.5, 0.5, 0.5, 0.9)), flag=plagiarism.flag_far
    )
    assert usual == [[]] * 4 and len(far) == 1
    assert far[0].endswith(" 5 more runs are far from it.")
    confirmed = of(0.9)
    for one in confirmed:
        one.outcome = "confirmed"
    classes = [*map(of, (0.5, 0.5, 0.5, 0.5)), confirmed]
    assert flags_of(*classes, flag=plagiarism.flag_far) == [[]] * 5
