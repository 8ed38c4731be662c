"""Whether a version was approved is asked again, whatever its record says."""

import pytest
from late_flights.factory import manifest
from late_flights.factory.registry import versions
from late_flights.factory.registry.trust import trust
from late_flights.factory.verification.verify import Verification
from tests.factory import git_repository
from tests.factory.cli_runner import run
from tests.factory.git_repository import another_model, git

from machinery.gate.people import HIGH, LI, ZOE, entry, write_card

pytestmark = pytest.mark.usefixtures("keys")


def verified():
    """The step that asks for the newest version's approvals."""
    known = versions.local()
    verification = Verification(known[-1], known, trust(), quick=True, python=None)
    return next(step for step in verification.steps() if step.name == "approvals")


def publish_by_hand(**facts):
    record = git_repository.RECORD | {"model": manifest.model_id(), "serves": len(versions.local()) + 1} | facts
    versions.publish(git("rev-parse", "HEAD"), record, "promoted", versions.local())


def test_low_risk_wants_none():
    assert run("promote", "-m", "why").exit_code == 0
    assert (verified().result, verified().details) == ("passed", "none is wanted")


def test_approval_of_a_version_and_of_its_return(approve):
    approve(LI)
    assert run("promote", "-m", "why").exit_code == 0
    assert verified().details == "by li@example.com (signature)"
    another_model("second")
    approve(LI)
    assert run("promote", "-m", "why").exit_code == 0 and run("rollback", "-m", "why").exit_code == 0
    assert verified().details == "by li@example.com (signature)"


def test_version_whose_risk_was_lowered_alone(approve):
    approve(LI)
    assert run("promote", "-m", "why").exit_code == 0
    write_card(risk="low")
    another_model("second")
    publish_by_hand()
    assert verified().code == "NOT_APPROVED" and "in the model card of v1, here low" in verified().details


def test_record_that_claims_an_approval():
    write_card(**HIGH)
    publish_by_hand(approvals=[{"by": "li@example.com", "how": "signature", "id": "0" * 40, "at": ""}])
    assert (verified().code, verified().exit_code) == ("NOT_APPROVED", 1)


def test_model_of_an_older_release_is_approved_later(act):
    write_card(**HIGH)
    publish_by_hand(at="long ago")
    assert verified().code == "NOT_APPROVED"
    act(LI)
    write_card(**HIGH, approvals=[entry(LI)])
    act(ZOE)
    assert verified().details == "by li@example.com (signature)"
