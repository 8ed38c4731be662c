"""Workers for those who wait: callers take turns, and none of them takes all workers from the others."""

import asyncio
import time
from collections import Counter, deque
from typing import Generic, NamedTuple, TypeVar

SUSPICION = 60.0  # seconds, unless a request is answered before
Item = TypeVar("Item")


class Place(NamedTuple):
    """Where a request waits: with others of its caller; apart from them if it has ended a worker already."""

    caller: str
    again: bool = False


class Turns(Generic[Item]):
    """Free items of at most `size`, and the requests that wait for one.

    The last free one is left to others by a caller who has one already, by a suspect, and by a request that comes again.
    """

    def __init__(self, size: int) -> None:
        self.free: list[Item] = []  # the one that was used last is at the end
        self._suspects: dict[str, float] = {}  # callers whose last request ended its worker, and when
        self._waiting: dict[Place, deque[asyncio.Future[Item]]] = {}  # the place whose turn is next comes first
        self._held = Counter[str]()
        self._spare = min(1, size - 1)

    @property
    def waiting(self) -> bool:
        """Whether any request waits."""
        return bool(self._waiting)

    def put(self, item: Item) -> None:
        """The item is free from now on."""
        self.free.append(item)
        self._give()

    def join(self, place: Place) -> asyncio.Future[Item]:
        """What will be an item for one request, until `leave`."""
        turn: asyncio.Future[Item] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place, deque()).append(turn)
        self._give()
        return turn

    def leave(self, place: Place, turn: asyncio.Future[Item]) -> Item | None:
        """End the request's turn, or its waiting: the item that it held."""
        if not turn.done():
            self._waiting[place].remove(turn)
            self._forget(place)
            return None
        self._held[place.caller] -= 1
        if not self._held[place.caller]:
            del self._held[place.caller]
        self._give()  # the caller may have waited for itself
        return turn.result()

    def suspect(self, caller: str) -> None:
        """A request of the caller has ended its item."""
        now = time.monotonic()
        self._suspects = {name: at for name, at in self._suspects.items() if now - at < SUSPICION} | {caller: now}

    def trust(self, caller: str) -> None:
        """A request of the caller has been answered."""
        self._suspects.pop(caller, None)

    def _give(self) -> None:
        while self.free and (place := self._next()):
            turn = self._waiting[place].popleft()
            self._waiting[place] = self._waiting.pop(place)  # behind the others
            self._forget(place)
            self._held[place.caller] += 1
            turn.set_result(self.free.pop())

    def _next(self) -> Place | None:
        return next((place for place in self._waiting if self._may_have_one(place)), None)

    def _may_have_one(self, place: Place) -> bool:
        if len(self.free) > self._spare:
            return True
        suspected = time.monotonic() - self._suspects.get(place.caller, -SUSPICION) < SUSPICION
        return not (place.again or suspected or self._held[place.caller])

    def _forget(self, place: Place) -> None:
        if not self._waiting[place]:
            del self._waiting[place]
