"""What no machine can know about a model in use: a question for each role, to be answered by a person."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["data scientist", "ML engineer", "operations", "approver", "owner"]


@dataclass(frozen=True)
class Question:
    """What is asked of a role, by a short key; and the criterion of the ML Test Score that it stands for, if any."""

    key: str
    role: Role
    text: str
    criterion: str = ""


QUESTIONS = (
    Question(
        "target", "data scientist", "Does the target measure what the decision is about, and who has confirmed that?"
    ),
    Question(
        "known-in-time",
        "data scientist",
        "Is each column known, with its final value, when the model is asked? Who fills it in, and has stated when?",
    ),
    Question(
        "same-rows",
        "data scientist",
        "Are the rows of the training like those to be scored: which are in neither or one?",
    ),
    Question(
        "features-help",
        "data scientist",
        "Which features were left out for a trial, and is each that stayed worth it?",
        "All features are beneficial",
    ),
    Question(
        "tuned",
        "data scientist",
        "Which parameters and families were searched, and how much better was the best?",
        "All hyperparameters have been tuned",
    ),
    Question(
        "staleness",
        "data scientist",
        "How much worse is a model that is a month, a quarter and a year old, on new rows?",
        "The impact of model staleness is known",
    ),
    Question(
        "feature-cost",
        "ML engineer",
        "What does each source of features cost in money, time and dependence on others?",
        "No feature's cost is too much",
    ),
    Question(
        "feature-time",
        "ML engineer",
        "How many days did the last new feature take, from the idea to the service?",
        "New features can be added quickly",
    ),
    Question(
        "debugged",
        "ML engineer",
        "Who has stepped through one training and one request in a debugger?",
        "The model is debuggable",
    ),
    Question(
        "callers", "ML engineer", "What does each caller do when a row is refused, or the service is busy or away?"
    ),
    Question(
        "restored", "ML engineer", "Has somebody else restored the project from Git and storage, on another machine?"
    ),
    Question(
        "canary",
        "operations",
        "How does a new version get a part of the traffic first, and who looks at it?",
        "Models are canaried before serving",
    ),
    Question(
        "on-call", "operations", "Who is called when the service fails, at night as well, and do they know the runbook?"
    ),
    Question("alert-arrives", "operations", "Has an alert that was set off on purpose reached a person, and how fast?"),
    Question(
        "rollback-practised",
        "operations",
        "Has a rollback been practised where the model serves, and how long did it take?",
    ),
    Question("load", "operations", "Which load is expected at its peak, and was it tried?"),
    Question(
        "reviewed",
        "approver",
        "Which pull requests with the model's code were reviewed, and by whom?",
        "Model specs are reviewed and submitted",
    ),
    Question("risk", "approver", "Is the stated risk right: who is affected, and what does a wrong score do to them?"),
    Question(
        "groups",
        "approver",
        "Are the groups that law and custom protect among the sensitive columns, and why not others?",
    ),
    Question("oversight", "approver", "Who can overrule a score, how, and how often does that happen?"),
    Question(
        "access",
        "owner",
        "Who may see the data, on which legal basis, for how long, and who reviews that?",
        "The data pipeline has appropriate privacy controls",
    ),
    Question(
        "worth",
        "owner",
        "Has the figure that the project exists for moved with the model's own figures?",
        "Offline and online metrics correlate",
    ),
    Question("outcomes", "owner", "Who brings back what has become of the scored rows, how late, and of which share?"),
    Question("without", "owner", "What is done while there is no model, and when would it be switched off for good?"),
)
"""In the order in which they are listed."""
