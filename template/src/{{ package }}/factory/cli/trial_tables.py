"""Trials and candidates as tables for people."""

from typing import Any


def of_trials(result: Any) -> str:
    """Each trial with its figure, its parameters and the time that it took."""
    from tabulate import tabulate

    from ..evaluation.formatting import cell, number

    marks = {result.best.number: "best", result.now.number: "now"}
    rows = [
        {"trial": trial.number, "": marks.get(trial.number, ""), result.metric.name: number(trial.figure)}
        | {name: "default" if value is None else cell(value) for name, value in trial.parameters.items()}
        | {"seconds": f"{trial.seconds:.1f}", "state": trial.state}
        for trial in result.trials
    ]
    return tabulate(rows, headers="keys", disable_numparse=True)


def of_candidates(choice: Any) -> str:
    """The best of each family and of each blend."""
    from tabulate import tabulate

    from ..evaluation.formatting import number

    table = choice.table()
    best = table.unique("family", keep="first", maintain_order=True)
    shown = table.filter(table["chosen"] | table["candidate"].is_in(best["candidate"].implode()))
    rows = [
        {"": "chosen" if row["chosen"] else "", "family": row["family"]}
        | {choice.metric: number(row["mean"]), "± of the difference": number(row["se"])}
        | {"CPU s a fit": f"{row['fit_seconds']:.2f}", "ms for 1,000 rows": f"{1000 * row['predict_ms']:.1f}"}
        for row in shown.iter_rows(named=True)
    ]
    return tabulate(rows, headers="keys", disable_numparse=True)
