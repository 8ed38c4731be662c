"""Commands that take a model to where it is used."""

import gc
from pathlib import Path
from typing import IO

import click

from .main import main
from .options import FILE, MODEL, Number


class Export(click.Group):
    """`factory export FOLDER` writes the model as ONNX, as it did before there were other formats."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what names no subcommand as the arguments of `onnx`."""
        own = (*self.commands, "-h", "--help")
        return super().parse_args(ctx, ["onnx", *args] if args and args[0] not in own else args)


OUTPUT = click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    default="-",
    metavar="FILE",
    help="File to write (default: standard output).",
)


@main.command()
@click.option("--model", type=FILE, help="Folder of the model (default: the champion, with the code of its commit).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
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
        from ..serving import process

        gc.disable()  # until all is imported, which stays anyway
        process.prepare()  # it imports what it needs while this process does
        from ..serving import server, settings

        server.serve(settings.load(), model, host, port)


@main.command()
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 36_500), help="Days until it expires (default: it does not).")
@click.option(
    "--rate",
    type=Number(0.001, 1_000_000),
    help="Requests a second that the caller may send (default: FACTORY_RATE).",
)
def key(name: str, days: int | None, rate: float | None) -> None:
    """Create an API key for a caller of the service.

    Shows the key once, and prints its line for the file that FACTORY_KEYS names. A caller may have several keys: give the
    new one away before the line of the old one is deleted. The service reads the file again while it runs.

    \b
    Example: factory key operations-desk --days 365 >> keys
    """
    from ..serving import auth

    secret, line = auth.new_key(name, days, rate)
    click.echo(f"The key of {name}, shown only once: {secret}\nIts line for the keys file:", err=True)
    click.echo(line)


@main.group(cls=Export, subcommand_metavar="FOLDER | COMMAND ...")
def export() -> None:
    """Export the model, card, contract or data for other tools.

    With a FOLDER in place of a command, the model is written there as ONNX.

    \b
    Examples: factory export edge
              factory export contract -o contract.yaml
    """


@export.command(short_help="The model as ONNX, with its features.")
@click.argument("destination", metavar="FOLDER", type=FILE)
@MODEL
def onnx(destination: Path, model: Path) -> None:
    """Export the model with its features as one ONNX file.

    Beside it is scorer.py, which needs only onnxruntime and numpy.

    \b
    Example: factory export onnx edge
    """
    from ..training.onnx import bundle

    signed = "signed" if bundle.export(destination, model) else "not signed"
    click.echo(f"✓ {destination}/model.onnx, {signed}, and {destination}/scorer.py")


@export.command(short_help="A version's model, signed, for use away from Git.")
@click.argument("destination", metavar="FOLDER", type=FILE)
@click.argument("version", metavar="[vN]", required=False)
def model(destination: Path, version: str | None) -> None:
    """Export the model of a version, by default the champion's, as `Scorer.load` and `factory serve --model` read it.

    It is signed where Git has a key to sign with, or FACTORY_SIGNING_KEY is set: manifest.json.sig.

    \b
    Example: factory export model churn-v3 v3
    """
    from .. import manifest, signatures
    from ..release import model_folder

    exported = model_folder.export(destination, version)
    signed = (destination / f"{manifest.NAME}{signatures.SUFFIX}").exists()
    click.echo(f"✓ {exported.name}: {destination}, {'signed' if signed else 'not signed'}")


@export.command(short_help="A version as a job for Spark: wheel, model, job and commands.")
@click.argument("destination", metavar="FOLDER", type=FILE)
@click.argument("version", metavar="[vN]", required=False)
def spark(destination: Path, version: str | None) -> None:
    """Export what a cluster of Spark needs to score with a version, by default the champion.

    The folder holds the wheel, requirements.txt with the versions of its packages, the model, and score_job.py, which takes the
    arguments of `factory score`. Prints the commands that start it; docs/engines.md explains them.

    \b
    Example: factory export spark churn-job v3
    """
    from ..formats import spark

    exported, commands = spark.export(destination, version)
    click.echo(f"✓ {exported.name}: {destination}\n\n{commands}", nl=False)


@export.command(short_help="The data contract as Open Data Contract Standard YAML.")
@click.option("--format", type=click.Choice(["odcs"]), default="odcs", show_default=True, expose_value=False)
@OUTPUT
def contract(output: IO[str]) -> None:
    """Export the data contract as Open Data Contract Standard YAML."""
    from .. import config
    from ..formats import odcs

    click.echo(odcs.render(config.load()), output, nl=False)


@export.command(short_help="The model card as Hugging Face reads it.")
@click.option(
    "--format", type=click.Choice(["huggingface"]), default="huggingface", show_default=True, expose_value=False
)
@OUTPUT
def card(output: IO[str]) -> None:
    """Export the model card with Hugging Face's metadata, the version and the gate's result.

    \b
    Example: factory export card -o README.md
    """
    from ..formats import huggingface
    from ..registry import versions

    click.echo(huggingface.render(versions.local()), output, nl=False)


@export.command(short_help="The deliveries as Croissant JSON-LD.")
@click.option("--format", type=click.Choice(["croissant"]), default="croissant", show_default=True, expose_value=False)
@OUTPUT
def data(output: IO[str]) -> None:
    """Export the list of deliveries, with hashes and columns, as Croissant JSON-LD.

    Its paths are relative to the project's folder.

    \b
    Example: factory export data -o croissant.json
    """
    from .. import config
    from ..formats import croissant

    click.echo(croissant.render(config.load()), output)


@export.command(short_help="Features for other projects, as a wheel.")
@click.argument("destination", metavar="FOLDER", type=FILE)
def package(destination: Path) -> None:
    """Export functions and modules of the project as a wheel, with their part of the contract.

    [tool.factory.package] of pyproject.toml states `name`, `version` and what to `share`; docs/model.md says how another
    project depends on it. The same content gives the same bytes.

    \b
    Example: factory export package dist
    """
    from ..formats import package

    files, selection = package.export(destination)
    click.echo("\n".join(f"✓ {file}" for file in files))
    click.echo(f"Columns of the contract: {', '.join(selection.columns) or 'none'}")


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
def pin() -> None:
    """Pin the images that Dockerfile and compose.yaml start from.

    Asks the registries for their digests, through Docker or Podman, and writes these into compose.images.yaml, so that
    `factory build` and Compose take no other image of that name.
    """
    from ..errors import FactoryError, listed
    from ..release import bases, image

    pinned, problems = bases.pin(image.find_engine())
    for name in pinned:
        click.echo(f"✓ {name}")
    if problems:
        raise FactoryError(f"not pinned: {listed([f'{name} ({reason})' for name, reason in problems.items()])}")


@main.command()
@click.argument("version", metavar="vN")
@click.option(
    "--environment", metavar="NAME", default="", help="Whose registry to push to (default: the one that all share)."
)
def publish(version: str, environment: str) -> None:
    """Push a version's image to the registry in environments.yaml.

    Prints its name by digest. Its provenance is written to reports/sbom/ and signed, where Git has a key to sign with or
    FACTORY_SIGNING_KEY is set. FACTORY_REGISTRY replaces the registry; without one, this is a dry run with a registry on
    this machine.
    """
    from ..release import publish

    image, statement, signed = publish.publish(version, environment)
    click.echo(f"✓ {image}\n✓ {statement}, {signed}")


@main.command()
@click.argument("environment")
@click.argument("version", metavar="[vN]", required=False)
@click.option("--image", metavar="NAME@sha256:…", help="What `factory publish` printed.")
@click.option("--digest", metavar="sha256:…", help="The same, of the registry that the environment has.")
@click.option(
    "--traffic",
    type=click.IntRange(0, 100),
    default=100,
    show_default=True,
    metavar="PERCENT",
    help="Of the requests, on azureml.",
)
@click.option("--check", is_flag=True, help="Only compare what runs with what was recorded; 1: DRIFTED.")
def deploy(
    environment: str, version: str | None, image: str | None, digest: str | None, traffic: int, check: bool
) -> None:
    """Run a version's image in an environment of environments.yaml.

    By default the champion's; of a version that a rollback made, the earlier image: nothing is built. It stays only if it
    answers as recorded; otherwise the previous one serves again. On Kubernetes without a `context`, a pull request proposes
    the overlay's change. Compose without a `host` is a dry run on this machine.

    From a registry it runs the image of that digest, by default of the one in its provenance, and only if the provenance and
    the SBOM in reports/sbom/, or on the branch factory/deployments, are of this image and version; signed by an allowed
    signer, where policy.yaml requires signatures. For an environment with `after`, only an image that ran there and that
    `factory verify` had passed.

    \b
    Example: factory deploy prod v3 --digest sha256:…
    """
    from ..deployment import deploy, images, status

    if check:
        click.echo(f"✓ {status.check(environment)}")
        return
    for line in deploy.deploy(environment, version, images.named(environment, image, digest), traffic):
        click.echo(f"✓ {line}")
