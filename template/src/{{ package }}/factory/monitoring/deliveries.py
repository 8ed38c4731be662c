"""Deliveries that the contract has refused, as incidents of their columns: open until the file comes in, or for a week."""

from collections import defaultdict
from datetime import date, timedelta

from ..data import ledger, refused
from ..data.refused import Refused
from .incidents import Incident

WEEK = timedelta(days=7)
SENDERS = "deliveries"  # in place of a model


def incidents(until: date) -> list[Incident]:
    """One for each column or rule, until the end of that day. Raises CannotEvaluate where a record is malformed."""
    entered = {entry.file for entry in ledger.entries() if entry.received[:10] <= f"{until}"}
    columns = defaultdict[str, list[Refused]](list)
    for each in refused.read():
        if each.on <= f"{until}":
            for column in each.by:
                columns[column].append(each)
    return [_incident(column, files, entered, until) for column, files in sorted(columns.items())]


def _incident(column: str, files: list[Refused], entered: set[str], until: date) -> Incident:
    waiting = [each for each in files if each.file not in entered and each.on > f"{until - WEEK}"]
    shown = max(waiting or files, key=lambda each: each.on)
    text = f"{column}: the contract refused {shown.by[column]:,} of {shown.rows:,} rows of {shown.file} on {shown.on}"
    days = [each.on for each in waiting or files]
    return Incident(SENDERS, "REFUSALS", column, min(days), max(days), bool(waiting), text, retrain=False)
