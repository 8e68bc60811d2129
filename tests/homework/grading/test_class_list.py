"""Whose is which file, and who has the clusters of somebody else."""

import time
from datetime import timedelta

import numpy as np
from sample_submissions import DEADLINE

from course_utils.homework.grading import plagiarism
from course_utils.homework.grading.grader import Entry, Student, by_student, own_id
from course_utils.homework.grading.inbox import Receipt
from course_utils.homework.grading.roster import load as roster_of
from course_utils.homework.review import Review, Run, partition_of


def entry(path, student_id="", name="", user="", hours=0, error=""):
    lms = "canvas" if user else ""
    when = DEADLINE + timedelta(hours=hours)
    receipt = Receipt(path, 10, lms, name, user, when, "file time")
    return Entry(receipt, student_id, name, error=error)


def roster(tmp_path, *rows):
    path = tmp_path / "roster.csv"
    path.write_text("\n".join(["student_id,name,lms_id", *rows]), encoding="utf-8")
    return roster_of(path)


def test_files_of_one_student_come_together_in_the_order_of_time():
    (found,), problems = by_student(
        [
            entry("b.zip", "anna01", "Anna Anders", hours=2),
            entry("a.zip", "ANNA01", "anna  anders", hours=3),
            entry("c.zip", "anna01", "Anna Anders", hours=1),
        ]
    )
    assert [e.receipt.path for e in found.entries] == ["c.zip", "b.zip", "a.zip"]
    assert (found.student_id, found.name, found.flags) == ("anna01", "Anna Anders", [])
    assert problems == []


def test_two_students_with_one_id_are_two_and_both_flagged():
    students, _ = by_student(
        [
            entry("a.zip", "x1", "Anna"),
            entry("b.zip", "X1", "Ben"),
            entry("c.zip", "x2", "Cem"),
        ]
    )
    assert [s.name for s in students] == ["Anna", "Ben", "Cem"]
    assert students[0].flags == ["the student id 'x1' is also used by 'Ben'."]
    assert students[1].flags == ["the student id 'x1' is also used by 'Anna'."]
    assert students[2].flags == []


def test_the_platform_says_whose_a_file_is_and_not_the_file():
    students, problems = by_student(
        [
            entry("anna_1_2_a.zip", "anna01", "Anna", user="1"),
            entry("eve_9_3_a.zip", "anna01", "Anna", user="9"),
            entry("kim_7_4_a.zip", name="kim", user="7", error="cut off"),
            entry("x.zip", error="not a .zip file"),
        ]
    )
    assert [s.student_id for s in students] == ["anna01", "anna01", "7"]
    assert [len(s.entries) for s in students] == [1, 1, 1]
    assert "also used by" in students[0].flags[0] and "also" in students[1].flags[0]
    assert problems == [("x.zip", "not a .zip file")]


def test_with_a_roster(tmp_path):
    known = roster(tmp_path, "anna01,Anna Anders,1", "bo02,Bo Berg,2", "cy03,Cy,3")
    students, _ = by_student(
        [
            entry("anna_1_2_a.zip", "anna01", "Nickname", user="1"),
            entry("berg_2_3_a.zip", "anna01", "Anna Anders", user="2"),
            entry("zed_9_4_a.zip", "cy03", "Cy", user="9"),
        ],
        known,
    )
    anna, bo, zed, cy = students
    assert (anna.student_id, anna.name, anna.flags[1:]) == ("anna01", "Anna Anders", [])
    assert "also used by 'Bo Berg'" in anna.flags[0]
    assert (bo.student_id, bo.name) == ("bo02", "Bo Berg")
    assert "says it is of student 'anna01': its exercises are not" in bo.flags[0]
    assert own_id(anna, anna.entries[0]) and not own_id(bo, bo.entries[0])
    assert zed.roster is None and "not on the roster." in zed.flags
    assert cy.entries == [] and cy.student_id == "cy03"


# Copies


def run(labels, representation="raw", algorithm="l2+kmeans", seed=0, k=3, nmi=0.5):
    labels = np.asarray(labels)
    name = f"{representation}/{algorithm}/k{k}/s{seed}"
    scores = dict.fromkeys(("purity", "nmi", "fowlkes_mallows"), nmi)
    trivial = len(set(labels.tolist())) in (1, len(labels))
    about = name, representation, algorithm, k, seed, scores, scores, k
    return Run(*about, True, "", partition_of(labels), trivial)


def flags_of(*classes, flag=plagiarism.flag_copies):
    """The flags of each student, who has these runs."""
    students = [
        Student(f"s{i}", f"Name {i}", counted=Entry(None, review=Review(runs)))
        for i, runs in enumerate(classes)
    ]
    flag(students)
    return [student.flags for student in students]


DRAWN = [np.random.default_rng(i).integers(0, 3, 60) for i in range(12)]


def test_a_copy_under_other_seeds_and_cluster_numbers_is_flagged():
    theirs = [run(labels, seed=i) for i, labels in enumerate(DRAWN[:4])]
    copied = [run(2 - labels, seed=i + 50) for i, labels in enumerate(DRAWN[:4])]
    others = [run(labels, seed=i + 70) for i, labels in enumerate(DRAWN[4:8])]
    one, two, three = flags_of(theirs, copied, others)
    words = "4 of 4 runs with chance in them have exactly the clusters of 'Name"
    assert len(one) == len(two) == 1 and three == []
    assert one[0].startswith(f"{words} 1' ('s1')")
    assert two[0].startswith(f"{words} 0' ('s0')")


def test_deterministic_runs_and_equal_seeds_are_exempt():
    ward = [run(labels, f"r{i}", "l2+ward") for i, labels in enumerate(DRAWN[:6])]
    seeds = [run(labels, seed=i) for i, labels in enumerate(DRAWN[6:])]
    assert flags_of(ward + seeds, ward + seeds) == [[], []]
    few = [run(labels, seed=i + 9) for i, labels in enumerate(DRAWN[6:8])]
    assert flags_of(seeds, few) == [[], []]  # k-means often ends in the same place


def test_clusters_of_another_representation_are_flagged():
    (one,), (two,) = flags_of(
        [run(DRAWN[0], "hog", "l2+ward")], [run(DRAWN[0], "VGG19:fc2", "l2+ward")]
    )
    assert one == (
        "'hog/l2+ward/k3/s0' has exactly the clusters of 'VGG19:fc2/l2+ward/k3/s0' of "
        "'Name 1' ('s1')."
    )
    assert "of 'hog/l2+ward/k3/s0' of 'Name 0'" in two


def test_what_many_found_and_trivial_clusters_are_nobody_s():
    many = [[run(labels, seed=10 * i) for labels in DRAWN[:4]] for i in range(7)]
    assert flags_of(*many) == [[]] * 7
    trivial = [run(np.zeros(60), "hog"), run(np.arange(60), "lbp")]
    assert flags_of(trivial, [run(np.zeros(60)), run(np.arange(60))]) == [[], []]


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


def test_scores_far_from_the_middle_of_the_class_are_flagged():
    classes = [[run(DRAWN[0], nmi=nmi)] for nmi in (0.5, 0.52, 0.48, 0.5, 0.9)]
    *usual, far = flags_of(*classes, flag=plagiarism.flag_far)
    assert usual == [[]] * 4
    assert "has NMI 0.900; the middle of the class for this is 0.500" in far[0]
    assert flags_of(*classes[1:], flag=plagiarism.flag_far) == [[]] * 4  # too few
