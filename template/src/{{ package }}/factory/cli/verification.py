"""Commands that prove what a version claims."""

from pathlib import Path
from typing import Any

import click

from .main import main
from .options import FILE
from .versions import show_lineage


@main.command()
@click.argument("version", metavar="vN")
@click.option("--quick", is_flag=True, help="Neither prepare the data nor train again.")
@click.option("--python", metavar="PATH", help="The Python to train on (default: the minor version of the record).")
def verify(version: str, quick: bool, python: str | None) -> None:
    """Prove a version: signature, data, model trained again, gate.

    The model is trained in a clean worktree, in an environment of the version's own lock, without cache: that costs what
    the first training did, and a minute more. What was found is in reports/sbom/vN.verification.json.

    Exit code 0: proven; 1: a claim does not hold; 2: one could not be checked.
    """
    from ..registry import trust, validity, versions
    from ..verification.verify import Verification

    known = versions.fetch()
    trusted = validity.after(known, trust.trust())
    verification = Verification(versions.find(version, known), known, trusted, quick=quick, python=python)
    for step in verification.steps():
        _show(step)
    path = verification.write()
    name = verification.version.name
    if verification.exit_code:
        click.echo(f"✗ {name} is not proven: {verification.done[-1].code}; see {path}", err=True)
        raise SystemExit(verification.exit_code)
    click.echo(f"✓ {name} is proven{', but for its prepared rows and its training' if quick else ''}: {path}")


@main.command()
@click.argument("request", metavar="[REQUEST_ID]", required=False)
@click.option("--captures", type=FILE, envvar="FACTORY_CAPTURE", help="Folder of captures (default: FACTORY_CAPTURE).")
def reproduce(request: str | None, captures: Path | None) -> None:
    """Train without cache, or answer a request again, and compare.

    Without REQUEST_ID the model is trained. One that dvc.lock names, but that its inputs do not give, is refused:
    NOT_REPRODUCED. Where dvc.lock is out of date, every stage is run here, as by `dvc repro`, and none is taken from a
    cache.

    With the X-Request-ID of a captured request, the version that answered it scores its rows again, with the same
    result to the last bit, or it is refused; shown are the rows, and of what and by whom the version was made.

    \b
    Example: factory reproduce 5f0c2d --captures captures
    """
    if request is None:
        from ..verification import checkout

        return click.echo(f"✓ {checkout.reproduce()}")
    if captures is None:
        raise click.UsageError("--captures FOLDER is missing, and FACTORY_CAPTURE is not set")
    from ..registry import lineage
    from ..verification import request as requests

    for answer in requests.find(request, captures):
        click.echo("\n".join(answer.lines()))
        answer.check()
        click.echo(f"✓ {answer.version.name} gives the same again, to the last bit\n")
        show_lineage(lineage.trace(answer.version))
    return None


def _show(step: Any) -> None:
    mark = {"passed": "✓", "refused": "✗"}.get(step.result, "-")
    cost = f"{step.seconds:.1f} s, {step.cpu_seconds:.1f} CPU s"
    click.echo(f"{mark} {step.name:<9} {step.details} ({cost})", err=step.result == "refused")
