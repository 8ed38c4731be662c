"""What `factory erase` prints."""

from typing import Any

import click

from .options import count


def show_found(plan: Any, found: Any, outcomes: Any, halves: Any, unknown: int) -> None:
    """Where there are rows to erase, and what has learned from them."""
    from ..registry import lineage

    for what, masks in (("captures", found), ("outcomes", outcomes)):
        if masks or masks is found:
            rows = sum(int(mask.sum()) for _, mask in masks)
            click.echo(f"{what}: {count(rows, 'row')} in {count(len(masks), 'file')}")
    if halves:
        click.echo(f"captures that a killed service left half-written: {count(len(halves), 'file')}")
    if unknown:
        click.echo(f"! {count(unknown, 'file')} of captures without the ids: --request finds their rows")
    for each in plan.replacements:
        rest = "" if each.new else ", so that none is left"
        click.echo(f"{each.old.path}: {each.rows:,} of {int(each.old.rows):,} rows{rest}")
    if not plan.replacements:
        click.echo("training data: no such rows")
    if plan.objects:
        click.echo(f"DVC's cache or storages: {count(len(plan.objects), 'file')}")
    if learned := lineage.learned_from({each.old.received for each in plan.replacements}):
        click.echo(f"{', '.join(version.name for version in learned)} learned from these deliveries")


def show_rest(plan: Any) -> None:
    """What remains to be done."""
    click.echo("What remains:")
    if plan.replacements:
        click.echo(
            "- git add data && git commit, uv run dvc repro, since reports/ and model/ may have such rows until then"
        )
        click.echo("- commit that, uv run dvc push, and promote a version without the rows")
        click.echo("- reports in Git's history, where they show these rows (evaluation.worst_rows)")
    if plan.objects:
        click.echo("- when that is on main, delete these files from each storage (`uv run dvc remote list`):")
        click.echo("\n".join(f"  {path}" for path in plan.objects))
    if plan.unseen:
        folders = count(len(plan.unseen), "folder")
        click.echo(f"- {folders} of prepared rows not here: `uv run dvc fetch --all-commits prepare`, then this again")
    click.echo(
        "- captures that services have not written yet (FACTORY_CAPTURE_SECONDS), other clones, backups, the inbox"
    )
