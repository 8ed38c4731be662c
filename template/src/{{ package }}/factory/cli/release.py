"""Commands that take a model to where it is used."""

from pathlib import Path

import click

from .main import main
from .options import FILE, MODEL


@main.command()
@click.option("--model", type=FILE, help="Folder of the model (default: the champion, with the code of its commit).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every one.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
def serve(model: Path | None, host: str, port: int) -> None:
    """Serve the model over HTTP.

    The interactive documentation is at http://localhost:8000/docs. Settings are environment variables FACTORY_*, see
    docs/serving.md.

    \b
    Example: factory serve --model model
    """
    if model is None:
        from ..release import serve

        serve.serve(host, port)
    else:
        from ..serving import server, settings

        server.serve(settings.load(), model, host, port)


@main.command()
@click.argument("name")
def key(name: str) -> None:
    """Create an API key for a caller of the service.

    Shows the key once, and prints its line for the file that FACTORY_KEYS names.

    \b
    Example: factory key operations-desk >> keys
    """
    from ..serving import auth

    secret, line = auth.new_key(name)
    click.echo(f"The key of {name}, shown only once: {secret}\nIts line for the keys file:", err=True)
    click.echo(line)


@main.command()
@click.argument("destination", metavar="FOLDER", type=FILE)
@MODEL
def export(destination: Path, model: Path) -> None:
    """Export the model with its features as one ONNX file.

    Beside it is scorer.py, which needs only onnxruntime and numpy.

    \b
    Example: factory export edge
    """
    from ..training.onnx import bundle

    bundle.export(destination, model)
    click.echo(f"✓ {destination}/model.onnx and {destination}/scorer.py")


@main.command()
@click.argument("version", metavar="[vN]", required=False)
def build(version: str | None) -> None:
    """Build the container image of a version, and its SBOM.

    Default: the champion. Needs Docker or Podman.
    """
    from ..release import image

    tag, bill = image.build(version)
    click.echo(f"✓ {tag}\n✓ {bill}")


@main.command()
@click.argument("version", metavar="vN")
def publish(version: str) -> None:
    """Push a version's image to the registry in FACTORY_REGISTRY.

    Where that is not set, this is a dry run with a registry on this machine.
    """
    from ..release import publish

    image, statement = publish.publish(version)
    click.echo(f"✓ {image}\n✓ {statement}")


@main.command()
@click.argument("stage", metavar="STAGE")
@click.argument("version", metavar="vN")
def deploy(stage: str, version: str) -> None:
    """Run a version's image on the Docker host in FACTORY_TARGET.

    It stays only if it answers as recorded; otherwise the previous one is started again. STAGE names the environment, as
    in staging or production. Where FACTORY_TARGET is not set, this is a dry run on this machine.

    \b
    Example: factory deploy staging v3
    """
    from ..release import deploy

    for line in deploy.deploy(stage, version):
        click.echo(f"✓ {line}")
