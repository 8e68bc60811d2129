"""The networks' scores: read as measured, or as published."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from course_utils import experiments
from course_utils.experiments import reference, runs

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
import networks as benchmark


def measured(**changes):
    """Runs of two networks on two image sets, as a maintainer would keep them."""
    rows = [
        {
            "run": f"{network}/l2+kmeans/k7/s{seed}",
            "image_set": image_set,
            "representation": network,
            "algorithm": "l2+kmeans",
            "seed": seed,
            "nmi": 0.5 + 0.1 * seed + 0.2 * (network == "VGG16"),
            "date": "2027-01-02",
            "versions": json.dumps({"python": "3.12", "keras": "3.9"}),
            "weights": "0" * 64,
        }
        for image_set in ("stamps", "photos")
        for network in ("VGG16", "ResNet50")
        for seed in (0, 1)
    ]
    columns = [*runs.COLUMNS, *reference.ABOUT]
    return pd.DataFrame(rows, columns=columns).assign(**changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ten.csv"


def test_measured_runs_are_means_over_the_seeds(path):
    measured().to_csv(path, index=False)
    table, source = experiments.network_scores("ten", path)
    assert table.shape == (2, 2)
    for image_set in ("stamps", "photos"):
        assert table[image_set, "l2+kmeans"].to_dict() == pytest.approx(
            {"VGG16": 0.75, "ResNet50": 0.55}
        )
    assert source == "Mean NMI, measured 2027-01-02 with keras 3.9, python 3.12."


def test_published_scores_may_be_asked_for(path):
    measured().to_csv(path, index=False)
    table, source = experiments.network_scores("ten", path, published=True)
    assert "Published" in source and "VOC2007" in table.columns.get_level_values(0)


def test_several_days_are_said(path):
    days = ["2027-01-02"] * 4 + ["2027-01-05"] * 4
    measured(date=days).to_csv(path, index=False)
    assert (
        "measured 2027-01-02 to 2027-01-05 with"
        in experiments.network_scores("ten", path)[1]
    )


def test_without_the_file_the_published_scores_and_their_source(path):
    table, source = experiments.network_scores("ten", path)
    assert list(table.index) == list(reference.PUBLISHED["ten"].index)
    image_sets = {"VOC2007", "COIL100", "Flowers17", "UMist"}
    assert set(table.columns.get_level_values(0)) == image_sets
    assert table.loc["Xception", ("VOC2007", "agglomerative")] == 0.719
    assert np.isfinite(table.to_numpy()).all()
    assert "arXiv:2101.02767" in source and "other images" in source


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"nmi": 1.2}, "between 0 and 1"),
        ({"nmi": np.nan}, "between 0 and 1"),
        ({"representation": "VGG99"}, "VGG99"),
        ({"date": "yesterday"}, "yesterday"),
        ({"date": np.nan}, "no date"),
        ({"versions": "keras 3"}, "holds no results"),
        ({"versions": "[3]"}, "holds no results"),
    ],
)
def test_what_cannot_be_read_is_said(path, changes, words):
    measured(**changes).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"ten\.csv holds no results") as raised:
        experiments.network_scores("ten", path)
    assert words in str(raised.value)


def test_missing_columns_and_rows_are_said(path):
    measured().drop(columns=["date", "nmi"]).to_csv(path, index=False)
    with pytest.raises(ValueError, match="lacks the columns nmi, date"):
        experiments.network_scores("ten", path)
    measured().iloc[:0].to_csv(path, index=False)
    with pytest.raises(ValueError, match="no rows"):
        experiments.network_scores("ten", path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="holds no results"):
        experiments.network_scores("ten", path)


@pytest.mark.parametrize("group, networks", reference.GROUPS.items())
def test_the_file_of_the_course_can_be_read_if_it_is_there(group, networks):
    table, source = experiments.network_scores(group)
    assert len(table) and set(table.index) <= set(networks)
    assert ("measured" in source) == (reference.REFERENCE / f"{group}.csv").exists()
    assert ((table.to_numpy() > 0) & (table.to_numpy() < 1)).all()
    table.iloc[0, 0] = 0  # what a caller does to it is not seen by the next
    assert experiments.network_scores(group)[0].iloc[0, 0] > 0


def test_the_readme_shows_what_is_measured(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert benchmark.SHOWN.search(readme)[0] == benchmark.readme_part(
        reference.REFERENCE
    )
    runs = measured()
    runs = runs[(runs["image_set"] == "stamps") | (runs["representation"] == "VGG16")]
    runs.to_csv(tmp_path / "ten.csv", index=False)
    ten, modern = benchmark.readme_part(tmp_path).split("\n\n", 1)[1].split("\n\n")
    assert ten.splitlines() == [
        "| network | photos, l2+kmeans | stamps, l2+kmeans |",
        "| --- | --- | --- |",
        "| ResNet50 | – | 0.55 |",
        "| VGG16 | 0.75 | 0.75 |",
    ]
    assert modern == benchmark.NOT_YET.format("`--backbones modern`") + "\n"


def test_an_unknown_group_is_refused():
    with pytest.raises(ValueError, match="one of ten, modern, got 'old'"):
        experiments.network_scores("old")


@pytest.mark.slow  # asks for the weights of fifteen networks
def test_the_benchmark_writes_what_lesson_5_reads(keras_home, tmp_path, capsys):
    (tmp_path / "page.md").write_text("A\n<!-- networks -->\nB\n<!-- /networks -->\nC")
    few = "--sets", "stamps", "--seeds", "2", "--to", str(tmp_path)
    few += "--readme", str(tmp_path / "page.md")
    assert benchmark.main(["ten", *few]) == 0
    table, source = experiments.network_scores("ten", tmp_path / "ten.csv")
    assert list(table.index) == ["MobileNetV2"] and table["stamps"].shape == (1, 2)
    assert table["stamps", "l2+kmeans"].item() > 0.6 and "keras" in source
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert f"| MobileNetV2 | {table['stamps', 'l2+kmeans'].item():.2f} |" in page
    assert benchmark.NOT_YET.format("`--backbones modern`") in page
    assert page.startswith("A\n<!-- net") and page.endswith("networks -->\nC")
    assert "\nB\n" not in page
    said = capsys.readouterr().out
    assert said.count("not measured") == 9 and "VGG19: its weights are not here" in said
    runs = pd.read_csv(tmp_path / "ten.csv")
    assert runs["weights"].str.fullmatch("[0-9a-f]{64}").all()
    earlier = runs[:1].assign(representation="VGG19", nmi=0.5)
    pd.concat([earlier, runs.assign(nmi=0.1)]).to_csv(tmp_path / "ten.csv", index=False)
    assert benchmark.main(["ten", *few]) == 0  # keeps what cannot be measured today
    again, _ = experiments.network_scores("ten", tmp_path / "ten.csv")
    assert again.loc["VGG19", ("stamps", "l2+kmeans")] == 0.5
    assert again.loc["MobileNetV2"].equals(table.loc["MobileNetV2"])
    assert (
        benchmark.main(["modern", *few]) == 1 and not (tmp_path / "modern.csv").exists()
    )


def test_the_table_of_choices_is_complete():
    table = reference.reference_table("choosing")
    within = (table["ami"] <= table["best_ami"]) & table["best_ami"].between(0, 1)
    assert within.all() and table.notna().drop(columns="subject").all().all()
    draws = table.groupby(
        ["image_set", "question", "subject", "criterion"], dropna=False
    )
    assert (draws["draw"].nunique() == 20).all() and (draws.size() == 20).all()
    assert {"stamps", "photos"} <= set(table["image_set"])
    always = {"silhouette", "after_umap", "after_eigenmaps", "choose", "stability"}
    for _, rows in table.groupby(["image_set", "question"]):
        assert always <= set(rows["criterion"])


def test_the_table_of_learning_is_complete():
    table = reference.reference_table("learning").fillna({"setting": ""})
    assert table.notna().all().all() and table["nmi"].between(0, 1).all()
    draws = table.groupby(["image_set", "view", "method", "setting"])["draw"]
    assert (draws.nunique() == draws.size()).all()
    n_draws = draws.nunique().groupby("image_set").agg(["min", "max"])
    assert n_draws.loc[["stamps", "photos"]].eq(20).all().all()
    assert n_draws.loc["caltech101"].eq(10).all()
    swept = set(table[table["method"].isin(["merging", "JULE"])]["setting"])
    assert swept == {f"{n} neighbours" for n in (5, 10, 15, 20, 30, 40)}
    assert set(table[table["method"] == "TEMI"]["setting"]) >= {"beta 0.5", "beta 1.0"}


def test_a_table_that_is_not_there_says_what_is_missing():
    with pytest.raises(FileNotFoundError, match="get the whole course"):
        reference.reference_table("nothing")
