"""Who has approved a model: people other than who made it, by their signatures or by the platform's reviews.

The names in a commit prove nothing: they are whatever who commits likes.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from .. import platforms, signatures
from ..errors import FactoryError, Refused, SignatureRefused, listed
from ..evaluation import card_input
from ..evaluation.card_input import INPUT, Approval
from ..policy import RISKS, Risk
from ..registry import versions
from ..registry.trust import Trust
from ..registry.versions import Version
from ..workspace import commits, git
from ..workspace.process import run
from . import limits

LOCK = "dvc.lock"
NEXT = "run `uv run dvc repro`, commit all of it signed (`git commit -S`), and `git push`"
Proof = dict[str, str]  # as the version's record keeps it: by, how, id, at, and the url of a review


@dataclass(frozen=True)
class Candidate:
    """A model that wants approvals: its commit, the sha256 of its manifest, and which protected files it changes.

    They are in the model card of the commit `card`. Signatures have to count at the time `at`.
    """

    commit: str
    card: str
    model: str
    protected: Collection[str]
    trust: Trust
    at: datetime

    def signer(self, name: str) -> str:
        """The address of who signed the commit. Raises SignatureRefused."""
        commit, what = commits.read(name), f"commit {name[:8]}"
        signer = signatures.verify(commit.content, commit.signature, self.trust.signers, "git", self.at, what=what)
        return _address(signer)

    def origins(self) -> list[str]:
        """The commits that brought the model. Raises CannotEvaluate."""
        folder = versions.model_md5(git.show(self.commit, LOCK) or "")
        return commits.origins(self.commit, LOCK, lambda text: _model(text) == folder)


def check(
    commit: str,
    model: str,
    previous: list[Version],
    trust: Trust,
    at: datetime | None = None,
    later: str | None = None,
) -> list[Proof]:
    """The approvals of the commit's model, as many as the policies want. Raises FactoryError.

    `previous` are the versions before it. Signatures have to count at that time, by default now. Approvals are those
    in the commit's model card, or in that of the commit `later`.
    """
    champion = previous[-1].commit if previous else None
    card = card_input.at(commit)
    own = limits.risk(card, trust.policies)
    if own == "high" and (missing := ", ".join(card.missing_fields)):
        raise Refused("CARD_INCOMPLETE", f"{INPUT}: risk is high, fill in {missing}; then {NEXT}")
    risk, where = _strictest_risk(own, previous, trust)
    changed = git.differing(champion, commit) if champion else set()
    wanted = trust.policies.approvals(risk, changed)
    protected = sorted(filter(trust.policies.is_protected, changed))
    candidate = Candidate(commit, later or commit, model, protected, trust, at or datetime.now(UTC))
    entries = card_input.at(later).approvals if later else card.approvals
    signed, problems = _signed(candidate, entries) if wanted else ([], [])
    if len(signed) >= wanted:
        return signed
    # not added up: who signs and who reviews may be one person with two names
    reviewed, problem = _reviewed(candidate, champion, wanted)
    if reviewed:
        return reviewed
    reason = f"risk is {risk}{where}" if trust.policies.approvals(risk) else f"{protected[0]} is protected"
    people = "somebody" if wanted == 1 else f"{wanted} people"
    raise Refused(
        "NOT_APPROVED",
        f"{listed([reason, *problems, *problem])}: {people} other than who made the model must add to "
        f"approvals in {INPUT} {{by: Name <address>, model: {model}}}; then {NEXT}",
    )


def _strictest_risk(own: Risk, previous: list[Version], trust: Trust) -> tuple[Risk, str]:
    """The highest of its own risk and of those in the model cards of main and earlier versions; whose, if not its own."""
    risks = {"": own}
    for name, commit in limits.commits(trust, previous).items():
        risks[f" in the model card of {name}, here {own}"] = limits.risk(card_input.at(commit), trust.policies)
    where = max(risks, key=lambda where: RISKS.index(risks[where]))
    return risks[where], where


def _signed(candidate: Candidate, entries: Collection[Approval]) -> tuple[list[Proof], list[str]]:
    """The approvals in the model card that signatures prove, one a person, and why others do not count."""
    proofs, problems = {}, []
    try:
        makers = _makers(candidate)
    except FactoryError as error:
        return [], [f"who made the model is not known: {_with_advice(error)}"]
    for entry in entries:
        if entry.model == candidate.model:
            try:
                proof = _proof(candidate, entry, makers)
                proofs[proof["by"]] = proof
            except FactoryError as error:
                problems.append(f"the approval by {entry.by} does not count: {_with_advice(error)}")
    return list(proofs.values()), problems


def _makers(candidate: Candidate) -> set[str]:
    """The addresses of who signed the commits that brought the model, and of all whom these name. Raises FactoryError."""
    origins = candidate.origins()
    named = {address for name in origins for address in commits.read(name).addresses}
    return named | {candidate.signer(name) for name in origins}


def _proof(candidate: Candidate, entry: Approval, makers: Collection[str]) -> Proof:
    """Of the commits that brought the entry to the model card. Raises FactoryError where they do not prove it."""
    origins = commits.origins(candidate.card, str(INPUT), lambda text: entry.model_dump() in _approvals(text))
    for name in origins:
        signer = candidate.signer(name)
        if signer != _address(entry.by):
            raise FactoryError(f"commit {name[:8]}, which brought it, is signed by {signer}")
        if signer in makers:
            raise FactoryError(f"{signer} made the model")
        for path in git.differing(name, candidate.commit).intersection(candidate.protected):
            raise FactoryError(f"{path}, which is protected, has changed since")
    at = run("git", "show", "--no-patch", "--format=%cI", origins[0])
    return {"by": _address(entry.by), "how": "signature", "id": origins[0], "at": at}


def _reviewed(candidate: Candidate, champion: str | None, wanted: int) -> tuple[list[Proof], list[str]]:
    """The reviews that the platform knows, if they suffice for each commit that brought the model or a protected file."""
    platform = platforms.detect()
    if platform is None:
        return [], []
    names = candidate.origins()
    if candidate.protected:
        paths = (f":(literal){path}" for path in candidate.protected)
        names += run("git", "rev-list", "--full-history", f"{champion}..{candidate.commit}", "--", *paths).splitlines()
    proofs: dict[str, Proof] = {}
    try:
        for name in names:
            reviews = platform.reviews(name)
            if len({review.by for review in reviews}) < wanted:
                return [], [
                    f"no pull request that brought {name[:8]} has {wanted} reviews by others than who pushed it"
                ]
            proofs |= {review.id: {"how": "review", **vars(review)} for review in reviews}
    except FactoryError as error:
        return [], [f"the platform's reviews are not known: {error}"]
    return list(proofs.values()), []


def _model(lock: str) -> str | None:
    """The hash by which DVC knows the model, where the text of dvc.lock has it."""
    with suppress(yaml.YAMLError, KeyError, TypeError, ValueError):
        return versions.model_md5(lock)
    return None


def _approvals(card: str) -> list[Any]:
    """The approvals in the model card's text, which may be of an older release."""
    with suppress(yaml.YAMLError, AttributeError):
        return yaml.safe_load(card).get("approvals") or []
    return []


def _address(name: str) -> str:
    """The address in `Name <address>`, or a signer's name as it is."""
    return name.rpartition("<")[2].partition(">")[0].strip().lower()


def _with_advice(error: FactoryError) -> str:
    advice = " (a squash or a rebase on the platform drops signatures: merge with a merge commit)"
    return f"{error}{advice if isinstance(error, SignatureRefused) else ''}"
