"""Commands that take a model to where it is used."""

from pathlib import Path

import click

from .main import main
from .options import FILE, MODEL


@main.command()
@click.argument("destination", metavar="FOLDER", type=FILE)
@MODEL
def export(destination: Path, model: Path) -> None:
    """Write the model, features included, as one ONNX file with a loader that needs onnxruntime and numpy alone."""
    from ..training.onnx import bundle

    bundle.export(destination, model)
    click.echo(f"✓ {destination}/model.onnx and {destination}/scorer.py")


@main.command()
@click.argument("version", metavar="[vN]", required=False)
def build(version: str | None) -> None:
    """Make the image of a version, by default the champion, and the list of what is in it."""
    from ..release import image

    tag, bill = image.build(version)
    click.echo(f"✓ {tag}\n✓ {bill}")


@main.command()
@click.argument("version", metavar="vN")
def publish(version: str) -> None:
    """Push the image of a version to FACTORY_REGISTRY, or for a dry run to a registry on this machine."""
    from ..release import publish

    image, statement = publish.publish(version)
    click.echo(f"✓ {image}\n✓ {statement}")


@main.command()
@click.argument("stage", metavar="STAGE")
@click.argument("version", metavar="vN")
def deploy(stage: str, version: str) -> None:
    """Run a version's image at FACTORY_TARGET, a Docker host, and see there that it scores as recorded."""
    from ..release import deploy

    for line in deploy.deploy(stage, version):
        click.echo(f"✓ {line}")


@main.command()
@click.option("--model", type=FILE, help="Folder of the model; by default the champion's, with the code of its commit.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
def serve(model: Path | None, host: str, port: int) -> None:
    """Answer over HTTP; settings are environment variables FACTORY_*."""
    if model is None:
        from ..release import serve

        serve.serve(host, port)
    else:
        from ..serving import server, settings

        server.serve(settings.load(), model, host, port)


@main.command()
@click.argument("name")
def key(name: str) -> None:
    """Make an API key for a caller, and its line for the file that FACTORY_KEYS names."""
    from ..serving import auth

    secret, line = auth.new_key(name)
    click.echo(f"The key of {name}, shown this once: {secret}\nIts line for the keys file:", err=True)
    click.echo(line)
