"""The ledger of a toy project: as it is now, and as releases before 0.4.0 kept it."""

from pathlib import Path

import yaml
from late_flights.factory.data import ledger
from tests.factory import toy
from tests.factory.cli_runner import run

REFUSING = (["prepare"], ["ingest", "new.csv"], ["compare"], ["audit"])


def ledger_refusal(*command):
    """The line that refuses the ledger."""
    result = run(*command)
    (line,) = (line for line in (result.stderr or result.stdout).splitlines() if "LEDGER: " in line)
    assert result.exit_code == (1 if command == ("audit",) else 2), result.output
    return line.removeprefix("Error: ").removeprefix("✗ ")


def deliver(name, first):
    toy.rows(50, first=first).write_csv(name)
    result = run("ingest", name)
    assert result.exit_code == 0, result.output


def edit(name, **values):
    """Change values of a record; those that are None are taken out."""
    pointer = Path(f"data/raw/{name}.dvc")
    content = yaml.safe_load(pointer.read_text(encoding="utf-8"))
    record = content["meta"] | values
    content["meta"] = {name: value for name, value in record.items() if value is not None}
    pointer.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def age():
    """Bring the ledger into the form that releases before 0.4.0 wrote."""
    entries = ledger.entries()
    ledger.LEDGER.write_text(ledger.to_csv(entries, ledger.Entry), encoding="utf-8")
    for entry in entries:
        entry.pointer.write_text(f"outs:\n- md5: {'0' * 32}\n  path: '{entry.file}'\n", encoding="utf-8")
