"""Deliveries that the contract has refused, as incidents of their columns: open until a delivery comes in, or for a week."""

from collections import defaultdict
from datetime import date, timedelta

from ..data import ledger, refused
from ..data.refused import Refused
from .incidents import Incident

WEEK = timedelta(days=7)
SENDERS = "deliveries"  # in place of a model


def incidents(until: date) -> list[Incident]:
    """One for each column or rule, until the end of that day. Raises CannotEvaluate where a record is malformed."""
    last = max((entry.received for entry in ledger.entries() if entry.received[:10] <= f"{until}"), default="")
    columns = defaultdict[str, list[Refused]](list)
    for each in refused.read():
        if each.on <= f"{until}":
            for column in each.by:
                columns[column].append(each)
    return [_incident(column, files, last, until) for column, files in sorted(columns.items())]


def _incident(column: str, files: list[Refused], last: str, until: date) -> Incident:
    """The incident, which is over once a delivery has come in, under whatever name: its columns are as the contract wants."""
    waiting = [each for each in files if each.at > last and each.on > f"{until - WEEK}"]
    shown = max(waiting or files, key=lambda each: each.at)
    text = f"{column}: the contract refused {shown.by[column]:,} of {shown.rows:,} rows of {shown.file} on {shown.on}"
    days = [each.on for each in waiting or files]
    return Incident(SENDERS, "REFUSALS", column, min(days), max(days), bool(waiting), text, retrain=False)
