"""What is doubtful about a proposal for the people in the table."""

from collections.abc import Iterator

from ..errors import listed
from ..evaluation.formatting import share
from ..metrics.fairness import Gap
from .people import Proxy, base_rates
from .personal import inside
from .proposal import Proposal
from .questions import SHOWN, Question, to_type
from .roles import MEASURED, OF_A_PERSON, PERSONAL_DATA, ColumnRole
from .target import Target
from .texts import is_text


def unequal(proposal: Proposal) -> Iterator[Question]:
    """Groups of people of whom the target is true much less often than of others."""
    found = dict(base_rates(proposal.sensitive_columns, proposal.target))
    if found:
        rates = [_rates(name, proposal.target, gap) for name, gap in found.items()]
        taken = "yes, but the gate refuses one that selects a group less than 0.8 times as often as another"
        otherwise = "gate.accepted in params.yaml, with the reason why it is fair"
        yield Question(tuple(found), listed(rates, 3), "Should a model learn to decide like that?", taken, otherwise)


def stand_ins(proposal: Proposal) -> Iterator[Question]:
    """Features by which a model knows a sensitive column without seeing it."""
    names = tuple(dict.fromkeys(name for proxy in proposal.proxies for name in proxy.alone))
    if proposal.proxies:
        evidence = listed([_predicted(proxy) for proxy in proposal.proxies], 3)
        compared = {role.name for role in proposal.roles if role.sensitive}
        unseen = tuple(p.sensitive for p in proposal.proxies if p.sensitive not in compared)
        taken = "yes, and the gate compares the groups"
        taken += f", but not those of {_few([*unseen])} unless {to_type(unseen, MEASURED)}" if unseen else ""
        otherwise = to_type(names, "excluded") if names else ""
        yield Question(names, evidence, "May the model use them?", taken, otherwise)


def persons(proposal: Proposal) -> Iterator[Question]:
    """What names or reaches one person."""
    found = [role for role in proposal.with_role("excluded") if role.why.startswith(OF_A_PERSON)]
    if found:
        names = tuple(role.name for role in found)
        evidence = listed([f"{role.name} is a person's {role.why.removeprefix(OF_A_PERSON)}" for role in found], 4)
        yield Question(names, evidence, "Does the model need it?", "no: excluded", to_type(names, "feature"))


def personal(proposal: Proposal) -> Iterator[Question]:
    """Columns that show to which group of people somebody belongs."""
    features = [role for role in proposal.with_role("feature") if role.sensitive or role.why == PERSONAL_DATA]
    if features:
        names = tuple(role.name for role in features)
        evidence = f"{len(names)} of the columns may show to which groups people belong"
        ungrouped = [role.name for role in features if not role.sensitive]
        unlike = f"; not those of {_few(ungrouped)}, of which there are too many" if ungrouped else ""
        taken = f"yes, and the gate compares their groups{unlike}"
        otherwise = f"{to_type(names, MEASURED)}: compared and not used"
        yield Question(names, evidence, "May the model use them?", taken, otherwise)


def texts(proposal: Proposal) -> Iterator[Question]:
    """Free texts, which may say something of a person."""
    found = [role for role in proposal.with_role("feature") if is_text(role)]
    if found:
        names = tuple(role.name for role in found)
        evidence = listed([f"{role.name}: text, {role.why}{_inside(role)}" for role in found], SHOWN)
        taken = "yes: it becomes numbers, and the model keeps none of the texts"
        question = "May the model use what people wrote?"
        yield Question(names, evidence, question, taken, to_type(names, "excluded"))


def _inside(role: ColumnRole) -> str:
    found = [f"a {kind} in {share(part)} of them" for kind, part in inside(role.column).items()]
    return f"; {listed(found, 3)}" if found else ""


def _rates(column: str, target: Target, gap: Gap) -> str:
    value = target.positive or gap.rate.removeprefix("share predicted ")
    rates = " and ".join(f"{share(each.rate)} of {column} = {each.group}" for each in (gap.lowest, gap.highest))
    low, high = gap.ratio_interval
    return f"{target.name} is {value} for {rates} (ratio {gap.ratio:.2f}, 95% interval {low:.2f} to {high:.2f})"


def _predicted(proxy: Proxy) -> str:
    alone = _few([f"{name} ({power:.2f} alone)" for name, power in proxy.alone.items()])
    subject = f"{alone} predict {proxy.sensitive}, with" if alone else f"{proxy.sensitive} is predicted by"
    return f"{subject} the other features ROC AUC {proxy.power:.2f}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
