"""policy.yaml: every key known and well typed, and of several policies the strictest."""

import pytest
from late_flights.factory import config, errors, policy
from late_flights.factory.policy import Policies
from tests.factory import toy
from tests.factory.conftest import ROOT

WRONG = {
    "unknown key": ("signature: required", "policy.yaml: signature: unknown key, did you mean signatures?"),
    "unknown limit": ("gate: {flor: {min: 1}}", "policy.yaml: gate.flor: unknown key, did you mean floor?"),
    "unknown bound": ("gate: {floor: {least: 1}}", "gate.floor.least: unknown key; known are min, max, required"),
    "bound of no number": ("gate: {margin: {max: .inf}}", "gate.margin.max: Input should be a finite number"),
    "unknown risk": ("data_classes: {secret: huge}", "data_classes.secret: Input should be 'low' or 'high'"),
    "unknown tag": ("tags: [colour]", "tags.0: Input should be 'purpose', 'data_class', 'risk' or 'retention'"),
    "less than nobody": ("approvals: {low: -1}", "approvals.low: Input should be greater than or equal to 0"),
    "no expression": ("names: {branch: 'a('}", "names.branch: Input should be a valid regular expression"),
    "no YAML": ("gate: {", "policy.yaml, line 1: not YAML: "),
    "text alone": ("required", "there must be lines of the form `key: value`"),
}


@pytest.mark.parametrize("text, message", WRONG.values(), ids=WRONG)
def test_wrong_key_is_named(text, message):
    with pytest.raises(errors.FactoryError) as error:
        policy.parse(text, "policy.yaml")
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_end_of_line_that_no_reviewer_sees(tmp_path, end):
    """YAML sees one, so that a signer could be in what looks like a comment."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(f"signers: |\n  # see the wiki{end}  eve@example.com ssh-ed25519 AAAA\r\n".encode())
    with pytest.raises(errors.FactoryError, match=rf"policy.yaml: has the character U\+{ord(end):04X}, which ends a line"):
        policy.load(path)
    path.write_bytes(b"signatures: required\r\n")
    assert policy.load(path).signatures == "required"


def test_without_the_file_nothing_is_asked_for(tmp_path):
    assert policy.load(tmp_path / "policy.yaml") == policy.parse("# nothing", "main") == policy.Policy()


def test_file_of_the_template_states_the_defaults():
    assert policy.load(ROOT / "policy.yaml") == policy.Policy()


def test_every_limit_of_the_gate_can_be_bound():
    assert policy.Bounds.model_fields.keys() == config.Gate.model_fields.keys() - {"accepted"}


def policies(*texts: str) -> Policies:
    return Policies({f"policy {number}": policy.parse(text, "here") for number, text in enumerate(texts)})


def test_strictest_of_several_decides():
    both = policies("{signatures: required, doctor: [owners]}", "{approvals: {low: 2}, doctor: [tags]}")
    assert both.signatures_required and both.doctor == {"owners", "tags"}
    assert (both.approvals("low"), both.approvals("high")) == (2, 1)
    assert not policies("", "{signatures: optional}").signatures_required


@pytest.mark.parametrize(
    "texts, kept",
    [(["", ""], False), (["group_thresholds: allowed", ""], False), (["group_thresholds: allowed"] * 2, True)],
)
def test_thresholds_of_groups_have_to_be_allowed_by_all(texts, kept):
    by_group = toy.params(decision={"top_k": 1, "of": 9, "by": "kind"})
    problem = "decision.by is kind, and groups must not have thresholds of their own"
    assert list(policies(*texts).problems(by_group, {}, ())) == ([] if kept else [problem])
    assert not policies("").problems(toy.params(decision={"top_k": 1, "of": 9}), {}, ())


def test_template_has_to_be_accepted_by_all():
    assert policies("templates: [a, b]", "templates: [b, c]").templates == {"b"}
    assert policies("templates: [a]", "").templates == set()


def test_data_class_has_the_highest_of_its_risks():
    both = policies("", "data_classes: {internal: high, secret: high}")
    assert [both.minimum_risk(name) for name in (None, "public", "internal", "secret")] == ["low", "low", "high", "high"]


@pytest.mark.parametrize(
    "changed, approvals",
    {"params.yaml": 1, "src/a/model.py": 1, "deploy/prod/x.yaml": 1, "params.yaml.bak": 0, "src/a/b/model.py": 0}.items(),
)
def test_change_of_what_is_protected_needs_an_approval(changed, approvals):
    both = policies("protected: [params.yaml, src/*/model.py]", "protected: [deploy/]")
    assert both.approvals("low", ["README.md", changed]) == approvals
