"""The image of a version: its own or, where the version was made by a rollback, the earlier one of the same commit and model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import environments
from ..errors import FactoryError, Refused
from ..registry.trust import Trust
from ..registry.versions import Version
from ..release import provenance
from ..release.image import BY_DIGEST, digest
from . import records


@dataclass(frozen=True)
class Image:
    """An image by its digest, the version as which it was built, and who signed its provenance."""

    name: str
    built: Version
    signed: str

    @property
    def digest(self) -> str:
        """What no copy of it changes."""
        return digest(self.name)


def named(stage: str, image: str | None, given: str | None) -> str | None:
    """The image that is named, by itself or by its digest in the registry of the environment. Raises FactoryError."""
    if not given:
        return image
    registry = environments.find(stage).registry
    if image or not registry:
        problem = (
            "give --image or --digest, not both" if image else f"{stage} has no registry: give --image NAME@{given}"
        )
        raise FactoryError(problem)
    return f"{registry}@{given}"


def choose(version: Version, known: Sequence[Version], wanted: str | None, registry: str, trusted: Trust) -> Image:
    """The version's image that is wanted, else the one in its provenance, which is verified. Raises FactoryError.

    Where the environment has a registry, what nobody named is taken from there alone.
    """
    if wanted and not BY_DIGEST.fullmatch(wanted):
        raise FactoryError(
            f"{wanted} names no image by its digest: give the NAME@sha256:… that `factory publish` printed"
        )
    candidates = [version, *_earlier(version, known)]
    fetched = records.fetch_proofs(candidates)
    verified = ""
    try:
        image = _choose(version, candidates, wanted, registry, trusted)
        verified = f"{image.built.name}."
    finally:
        for path in fetched:  # lest others pass for what `factory publish` wrote
            if not (verified and path.name.startswith(verified)):
                path.unlink()
    return image


def _choose(
    version: Version, candidates: Sequence[Version], wanted: str | None, registry: str, trusted: Trust
) -> Image:
    built = next((each for each in candidates if _fits(each, wanted)), version)
    if (built.commit, built.facts["model"]) != (version.commit, version.facts["model"]):
        raise Refused("PROVENANCE", f"{built.name} does not have the commit and the model of {version.name}")
    published = wanted or provenance.published(built)
    name = f"{registry}@{digest(published)}" if registry and not wanted else published
    return Image(name, built, provenance.verify(built, name, trusted))


def _fits(version: Version, wanted: str | None) -> bool:
    """Whether there is a provenance of the version here, and it is of what is wanted."""
    if not provenance.path_of(version).exists():
        return False
    return not wanted or digest(provenance.published(version)) == digest(wanted)


def _earlier(version: Version, known: Sequence[Version]) -> Iterator[Version]:
    """Versions of the same promotion, that one first: what `factory rollback` returns to has their images."""
    serves = version.facts["serves"]
    same = [each for each in known if each.number < version.number and (each.record or {}).get("serves") == serves]
    yield from sorted(same, key=lambda each: (each.number != serves, -each.number))
