"""What people found, in docs/readiness.yaml: who, on which day, until when it holds."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import yaml
from pydantic import model_validator

from ..errors import FactoryError
from ..sections import Section, parse, read
from ..tables import whole
from .questions import QUESTIONS, Question

FILE = Path("docs/readiness.yaml")
VALID_FOR = timedelta(days=365)
KEYS = {question.key: question for question in QUESTIONS}
State = Literal["met", "not met", "expired", "open"]


class Answer(Section):
    """An answer to a question, or in older files what was found of a criterion."""

    question: str | None = None
    test: str | None = None
    by: str
    day: date
    expires: date | None = None
    met: bool = True
    found: str

    @model_validator(mode="after")
    def _is_of_something_known(self) -> Self:
        if (self.question is None) == (self.test is None):
            raise ValueError("state `question`, or `test` with the title of a criterion")
        if self.question is not None:
            if not (self.by.strip() and self.found.strip()):
                raise ValueError("`by` and `found` are empty")
            if self.day > today() + timedelta(days=1):
                raise ValueError(f"{self.day} is in the future")
        if self.until < self.day:
            raise ValueError(f"it expires on {self.until}, before its day, {self.day}")
        return self

    @property
    def until(self) -> date:
        """The last day on which it holds."""
        return self.expires or self.day + VALID_FOR

    @property
    def title(self) -> str:
        """The criterion's, or else the question's key."""
        known = KEYS.get(f"{self.question}")
        return self.test or (known and known.criterion) or f"{self.question}"

    @property
    def holds(self) -> bool:
        """Whether it has not expired."""
        return self.until >= today()


class Answers(Section):
    """The whole file."""

    answers: list[Answer]

    @classmethod
    def of(cls, content: Any) -> list[Answer]:
        """Those of the file's content. Raises pydantic's error, naming the entry from 0 on."""
        return cls.model_validate({"answers": content or []}).answers


class Answered(NamedTuple):
    """A question, its state, and its newest answer."""

    question: Question
    state: State
    answer: Answer | None


def read_all(path: Path = FILE) -> list[Answer]:
    """The answers, in the file's order. Raises FactoryError naming what is wrong in the file."""
    try:
        return read(path, Answers.of)
    except FileNotFoundError:
        return []


def newest(answers: Iterable[Answer]) -> dict[str, Answer]:
    """The answer of the latest day, by title."""
    return {answer.title: answer for answer in sorted(answers, key=lambda each: each.day)}


def assess() -> list[Answered]:
    """How each question stands. Raises FactoryError."""
    found = newest(read_all())
    answers = [(question, found.get(question.criterion or question.key)) for question in QUESTIONS]
    return [Answered(question, _state(answer), answer) for question, answer in answers]


def add(key: str, by: str, found: str, met: bool, expires: date | None) -> Answer:
    """Add an answer of today to the file, whose own text is kept. Raises FactoryError."""
    if key not in KEYS:
        raise FactoryError(f"there is no question {key}: {', '.join(KEYS)}")
    entry: dict[str, Any] = {"question": key, "by": by, "day": today(), "found": found}
    entry |= ({} if met else {"met": False}) | ({"expires": expires} if expires else {})
    before = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if read_all() and not re.search(r"^- ", before, re.MULTILINE):
        raise FactoryError(f"{FILE}: begin each entry with `- `, in a line of its own, for one to be added")
    after = f"{before.rstrip()}\n{yaml.safe_dump([entry], sort_keys=False, allow_unicode=True)}".lstrip()
    answer = parse(after, str(FILE), Answers.of)[-1]
    FILE.parent.mkdir(exist_ok=True)
    with whole(FILE) as file:
        file.write_text(after, encoding="utf-8")
    return answer


def of_other_releases() -> list[str]:
    """The questions that were answered, and that this release does not ask. Raises FactoryError."""
    return sorted({answer.question for answer in read_all() if answer.question and answer.question not in KEYS})


def today() -> date:
    """The day on which answers are looked at."""
    return date.today()


def _state(answer: Answer | None) -> State:
    if answer is None:
        return "open"
    if not answer.holds:
        return "expired"
    return "met" if answer.met else "not met"
