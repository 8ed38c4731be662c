"""A second person who never was one."""

import hashlib
import json

import pytest
from attack import Target, duplicate

WORDS = ("owner", "intended_use", "out_of_scope", "limits", "ethical_considerations")
ALICE, BOB = "alice <alice@example.com>", "bob <bob@example.com>"


def write_card(project: Target, *approvals: dict[str, str]) -> None:
    card = {"risk": "high", **dict.fromkeys(WORDS, "in words"), "approvals": approvals}
    (project.folder / "docs/model-card.yaml").write_text(json.dumps(card), "utf-8")
    project.done("dvc", "repro", "--quiet")


def train(project: Target, *options: str) -> str:
    """Commit another model; the sha256 by which it is approved."""
    project.set("max_iter: 40", "max_iter: 60")
    write_card(project)
    project.save("Train", *options)
    return hashlib.sha256((project.folder / "model/manifest.json").read_bytes()).hexdigest()


def approve(project: Target, by: str, model: str, *options: str) -> None:
    write_card(project, {"by": by, "model": model})
    project.save("Approve", *options)
    project.done("dvc", "push", "--quiet")


@pytest.fixture(scope="session")
def risky(required, tmp_path_factory) -> tuple[Target, str]:
    """With a model of high risk by alice, and its sha256. Not to be changed."""
    project = duplicate(required, tmp_path_factory.mktemp("risky") / "x")
    return project, train(project)


@pytest.fixture
def trained_by_alice(risky, tmp_path) -> tuple[Target, str]:
    project, model = risky
    return duplicate(project, tmp_path / "Zoë 李 x"), model


def test_author_of_the_approval_is_forged(trained_by_alice):
    project, model = trained_by_alice
    approve(project, BOB, model, f"--author={BOB}")
    project.refused("NOT_APPROVED", "factory", "promote", "-m", "better")


def test_approval_in_the_name_of_another_is_unsigned(trained_by_alice):
    project, model = trained_by_alice
    approve(project, BOB, model, f"--author={BOB}", "--no-gpg-sign")
    project.refused("NOT_APPROVED", "factory", "promote", "-m", "better")


def test_author_of_the_model_is_forged(signed):
    model = train(signed, "--author=carol <carol@example.com>")
    approve(signed, ALICE, model, f"--author={ALICE}")
    signed.refused("NOT_APPROVED", "factory", "promote", "-m", "better")


def test_risk_that_one_person_lowers(trained_by_alice):
    """v2 is of high risk and approved by bob; alice lowers it for v3, and asks nobody."""
    project, model = trained_by_alice
    project.become("bob")
    approve(project, BOB, model, f"--author={BOB}")
    project.become("alice")
    project.done("factory", "promote", "-m", "better")
    (project.folder / "docs/model-card.yaml").write_text("risk: low\n", "utf-8")
    project.set("max_iter: 60", "max_iter: 70")
    project.train("Train another")
    project.save("Push")
    project.refused("NOT_APPROVED", "factory", "promote", "-m", "alone")


def test_approval_that_nobody_forged(trained_by_alice):
    """What the attacks are compared with."""
    project, model = trained_by_alice
    project.become("bob")
    approve(project, BOB, model, f"--author={BOB}")
    project.become("alice")
    project.done("factory", "promote", "-m", "better")
