"""Words that readers stumbled over, each with what to write instead."""

import re

INSTEAD = {
    # archaic or ambiguous where a term of the field exists
    r"mend(?:s|ed|ing)?": "fix",
    r"tells?|telling|told": "predict, report, show",
    r"(?:un)?said": "state, report",
    r"says? so": "report, show",
    r"rivals?": "champion, reference model",
    r"sabotag\w*": "inject a fault",
    r"disguis\w*": "target leakage",
    r"spelt|spellings?": "format, written as",
    r"breach\w*": "violation",
    r"not so": "violated",
    r"guess(?:es)?": "baseline, infer",
    r"surest": "most confident",
    # phrases of the first releases
    r"lets? it pass": "passed the gate",
    r"lets? (?:in|through)": "accept",
    r"(?:is|are) what (?:it|they) (?:is|was|were)": "verified",
    r"takes? the place": "replace",
    r"answers? for|who answers": "owner",
    r"answer over HTTP": "serve over HTTP",
    r"breaks? off": "truncated",
    r"(?<!there )(?:is|are|was|were) no (?!(?:longer|more|fewer|less|such|matter|better|worse)\b)\w+": "is not a …, there is no …",
    r"no text": "not text",
    r"no target": "cannot be the target",
    r"kn(?:ow|ew|ow)s? nothing|knowing nothing": "baseline",
    r"enter files": "add deliveries",
    r"worse served": "performs worse",
    r"as it was before": "rolled back, unchanged",
    r"(?:how|where) it stands": "state, result",
    r"puts? back": "restore",
    r"a table of yours": "your own table",
    r"to (?:its|an) end|not its end": "failed, finished",
    r"told apart": "distinguish",
    r"stays? as it": "unchanged",
    r"lies? (?:in|at|under|below|beside)": "is in",
    r"once more": "again",
    r"of one outcome": "with a single outcome",
    r"chosen at": "selected",
    r"needs a person": "needs attention",
    r"do nothing": "No action needed",
    r"to judge by": "could not be evaluated",
    r"judge the model": "compare with the champion",
    r"what served before": "the previous champion",
    r"gets no name": "was not tagged",
    r"that I read": "unsupported",
    r"says refused": "rejected",
    r"another question": "another target",
}
PATTERN = re.compile("|".join(rf"(?P<w{number}>\b(?:{word})\b)" for number, word in enumerate(INSTEAD)), re.IGNORECASE)


def findings(text: str) -> list[tuple[str, str]]:
    """Each such word in the text, and what to write instead."""
    found = []
    for match in PATTERN.finditer(re.sub(r"\s+", " ", text)):
        found.append((match[0], list(INSTEAD.values())[int(match.lastgroup[1:])]))
    return found
