"""Columns whose names say that they are known only after the event, and that a model relies on."""

import re
from collections.abc import Iterator

from .finding import Finding
from .forest import forecast
from .sample import Sample

AFTERWARDS = re.compile(
    r"actual|after|arr|arriv(al|ed)|cancell?(ed|ation)|chargebacks?|clos(ed?|ing|ure)|collect(ed|ions?)|complet(ed|ion)|"
    r"death|died|discharged?|duration|elapsed|end(ed|ing)?|final|finish(ed)?|followup|futime|outcomes?|paid|payout|posted|"
    r"recover(ed|ies|y)|refund(ed|s)?|reject(ed|ion)|resol(ved|ution)|results?|return(ed|s)?|settle(d|ment)|severity|"
    r"status|stop(ped)?|survival|terminat(ed|ion)|verdict"
)
"""Words of what is known after an event."""
BEFORE = re.compile(r"(expect|estimat|plann|schedul)(ed)?|initial|last|marital|past|previous|prior|sched")
"""Words that make a name one of what is known before."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
POWER = {"classification": 0.65, "multiclass": 0.65, "regression": 0.1}
DROP = 0.05
"""What a model without the column loses of its score: from here on the column is refused, if it has POWER alone."""
SOME = {"classification": 0.55, "multiclass": 0.55, "regression": 0.02}
ASKED = 0.01
"""What a column of SOME predictive power alone has to add for a question: less makes no difference worth one."""


def find(sample: Sample) -> Iterator[Finding]:
    """Each column of such a name that alone predicts, and that a model would miss; a question only where it is a little."""
    powers = {name: forecast(sample.only([name])).score for name in sample.columns if is_afterwards(name)}
    some = [name for name, power in powers.items() if power >= SOME[sample.problem]]
    whole = forecast(sample) if some else None
    for name in some:
        rest = forecast(sample.without([name]))
        lost = whole.score - rest.score if whole else 0.0
        refuses = powers[name] >= POWER[sample.problem] and lost >= DROP
        if lost >= ASKED:
            yield Finding(
                "afterwards",
                (name,),
                lost,
                DROP if refuses else ASKED,
                f"the name {name} speaks of what is known later, and a model has {whole}, without {name} {rest}",
                f"Is {name} known when {sample.target_name} is predicted?",
                "Exclude it, if not.",
                refuses,
            )


def is_afterwards(name: str) -> bool:
    """Whether one of the name's words is of the time after the event, and none of the time before."""
    words = [word.lower() for word in WORD.findall(name)]
    return any(map(AFTERWARDS.fullmatch, words)) and not any(map(BEFORE.fullmatch, words))
