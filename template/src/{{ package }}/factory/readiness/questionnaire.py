"""The questions to people with their answers, as text and as JSON."""

import json
from typing import get_args

from . import answers
from .questions import QUESTIONS, Role

MARKS: dict[answers.State, str] = {"met": "✓", "not met": "✗", "expired": "!", "open": "-"}


def listed() -> str:
    """The questions by role, with what was found. Raises FactoryError."""
    lines = []
    stand = answers.assess()
    for role in get_args(Role):
        lines.append(f"{role[0].upper()}{role[1:]}")
        for question, state, answer in (each for each in stand if each.question.role == role):
            lines.append(f"{MARKS[state]} {question.key}: {question.text}")
            if answer:
                when = f"{state} since {answer.until}" if state == "expired" else f"{state} until {answer.until}"
                lines.append(f"    {answer.by}, {answer.day}, {when}: {answer.found}")
        lines.append("")
    if others := answers.of_other_releases():
        lines.append(f"Answered, and no longer asked: {', '.join(others)}")
    return "\n".join([*lines, summary(), f'Answer: uv run factory answer KEY -m "what was found", into {answers.FILE}'])


def summary() -> str:
    """How many questions are answered, and what is open, in one line. Raises FactoryError."""
    states = [each.state for each in answers.assess()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in MARKS if state in states)
    return f"Of {len(QUESTIONS)} questions to people: {counts}"


def unanswered() -> str:
    """What the score leaves open, for the end of its report. Raises FactoryError."""
    count = sum(each.state in ("open", "expired") for each in answers.assess())
    are = "1 question to people is" if count == 1 else f"{count} questions to people are"
    return f"{are} open: `uv run factory readiness --questions`" if count else summary()


def to_json() -> str:
    """Each question with its role, state and newest answer. Raises FactoryError."""
    stand = [
        {
            "question": question.key,
            "role": question.role,
            "text": question.text,
            "criterion": question.criterion or None,
            "state": state,
            "by": answer.by if answer else None,
            "day": f"{answer.day}" if answer else None,
            "expires": f"{answer.until}" if answer else None,
            "found": answer.found if answer else None,
        }
        for question, state, answer in answers.assess()
    ]
    return json.dumps(stand, indent=2, ensure_ascii=False)
