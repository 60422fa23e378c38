"""Seeds: the code that draws from them is public, so what a hidden phase draws needs one that cannot be tried."""

from collections.abc import Callable, Mapping
from typing import Any

from core.domain.exposure import Exposure

SEED_BITS = 128
GUESSABLE = 2**64  # below it, seeds can be tried one by one
EXACT = 2**53  # above it, many readers of JSON lose digits: such a seed is written as text
DRAWN = "drawn by the platform"


def make_seed(random_below: Callable[[int], int]) -> int:
    """A seed for a hidden phase; random_below(n) gives an unguessable number below n, as `secrets.randbelow` does."""
    return GUESSABLE + random_below(2**SEED_BITS - GUESSABLE)


def read_seed(value: object) -> object:
    """A whole number, which may be written as text, in digits or as `0x…`; anything else is left to be refused."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    try:
        return int(text, 16 if text.startswith("0x") else 10)
    except ValueError:
        return value


def write_seed(seed: int) -> int | str:
    """As JSON and TOML hold it without loss; what fits stays a number, so digests of what holds it stay too."""
    return seed if seed < EXACT else f"0x{seed:032x}"


def check_hidden_seeds(seeds: Mapping[str, int]) -> None:
    """Raise ValueError for the first seed, by its path in the file, that could be found by trying."""
    for path, seed in seeds.items():
        if seed < GUESSABLE:
            raise ValueError(
                f"`{path}` of a hidden phase must be 2^64 or more: the code that draws from it is public, so that"
                " smaller ones can be found by trying; leave it out and the platform draws one of 128 bits"
            )


def find_first_missing(document: Mapping[str, Any]) -> str | None:
    """Why a file of a hidden phase cannot be used where no competition is there to keep what is drawn."""
    missing = next(iter(_list_missing(document)), None)
    return missing and (
        f"`{missing}` is left out, which the platform draws when a competition is made: use `lacuna admin apply`;"
        " here the file must say it, 2^64 or more"
    )


def complete_seeds(
    document: Mapping[str, Any], stored: Mapping[str, Any], draw: Callable[[], int]
) -> tuple[dict[str, Any], dict[str, int | str]]:
    """A problem file with the seeds that it leaves out of its hidden phases, and those that were drawn, by path.

    stored: the parts of a problem file as they are registered; a file that leaves a seed out keeps it.
    """
    found: dict[str, Any] = dict(document)
    drawn: dict[str, int | str] = {}
    for path in _list_missing(document):
        *parents, name = path.split(".")
        place, kept = found, _name_requests(stored)
        for parent in parents:
            place = _open(place, parent)
            kept = _name_requests(_step(kept, parent) or {})
        seed = read_seed(kept.get(name))
        if not isinstance(seed, int) or seed < GUESSABLE:
            seed = draw()
            drawn[path] = write_seed(seed)
        place[name] = write_seed(seed)
    return found, drawn


def _list_missing(document: Mapping[str, Any]) -> list[str]:
    """Paths of the seeds that a hidden phase draws from and that are not said."""
    is_hidden = document.get("exposure") in (Exposure.PUBLIC, Exposure.PRIVATE)
    wanted = ["split.seed", "pools.seed", *_list_requests(document)] if is_hidden else []
    private = document.get("private")
    if isinstance(private, Mapping):
        wanted += ["private.pool_seed", *(f"private.{path}" for path in _list_requests(private))]
        wanted += [] if is_hidden else ["private.split_seed"]  # a practice problem shows how it is cut
    return [path for path in wanted if _is_missing(document, path)]


def _list_requests(part: Mapping[str, Any]) -> list[str]:
    """Paths of the seeds of all its requests."""
    requests = part.get("requests")
    several = [f"requests.{place}.seed" for place in range(len(requests))] if isinstance(requests, list) else []
    return ["forget.seed", *several]


def _is_missing(document: Mapping[str, Any], path: str) -> bool:
    *parents, name = path.split(".")
    place: Any = document
    for parent in parents:
        place = _step(place, parent)
    if not isinstance(place, Mapping) or place.get(name) is not None:
        return False
    return not {"forget", "requests"} & set(parents) or is_drawn(place)


def _step(place: Any, name: str) -> Any:
    """What stands under a name, or at a place of a list; None if nothing does."""
    if isinstance(place, list | tuple):
        return place[int(name)] if int(name) < len(place) else None
    return place.get(name) if isinstance(place, Mapping) else None


def _open(place: Any, name: str) -> Any:
    """The same, as a copy that stands in its place."""
    key: Any = int(name) if isinstance(place, list) else name
    place[key] = list(place[key]) if isinstance(place[key], list | tuple) else dict(place[key])
    return place[key]


def _name_requests(part: Any) -> Any:
    """What is stored of several requests, as a file names them."""
    further = part.get("further") if isinstance(part, Mapping) else None
    return {**part, "requests": [part.get("forget"), *further]} if further else part


def is_drawn(request: Mapping[str, Any]) -> bool:
    """Whether a forget request reads its seed: whole classes, named groups and named examples do not."""
    kind, is_part = request.get("kind"), request.get("fraction") is not None
    return kind in ("random", "stratified", "relabelled", "poisoned") or (
        kind in ("class", "classes", "groups") and is_part
    )
