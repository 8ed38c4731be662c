"""Commands that prove what a version claims."""

import click

from .main import main


@main.command()
def reproduce() -> None:
    """Train again without cache, and compare with dvc.lock.

    A model that dvc.lock names, but that its inputs do not give, is refused: NOT_REPRODUCED. Where dvc.lock is out of
    date, every stage is run here, as by `dvc repro`, and none is taken from a cache.
    """
    from ..verification import checkout

    click.echo(f"✓ {checkout.reproduce()}")
