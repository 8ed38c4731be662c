"""Callers take turns, and leave something to others."""

import asyncio

from late_flights.factory.serving import turns as turns_module
from late_flights.factory.serving.turns import Place, Turns

A, B = Place("a"), Place("b")


def play(scene):
    async def run():
        scene()

    asyncio.run(run())


def test_callers_take_turns_however_many_requests_one_has():
    def scene():
        turns = Turns(2)
        waiting = [turns.join(A) for _ in range(3)] + [turns.join(B)]
        order = []
        for _ in waiting:
            turns.put("item")
            served = next(turn for turn in waiting if turn.done() and turn not in order)
            order.append(served)
            assert turns.leave(B if served is waiting[3] else A, served) == "item"
        assert order == [waiting[0], waiting[3], waiting[1], waiting[2]] and not turns.waiting

    play(scene)


def test_the_last_item_is_not_for_who_has_one():
    def scene():
        turns = Turns(3)
        waiting = [turns.join(A) for _ in range(2)]
        turns.put("first")
        turns.put("second")
        assert [turn.done() for turn in waiting] == [True, False]
        turns.put("third")
        assert all(turn.done() for turn in waiting)

    play(scene)


def test_the_last_item_is_not_for_a_suspect_or_a_second_attempt_unless_there_is_only_one():
    def scene():
        for place in (Place("b", again=True), A):
            for size, served in ((2, False), (1, True)):
                turns = Turns(size)
                turns.suspect("a")
                suspect = turns.join(place)
                turns.put("first")
                assert suspect.done() is served
                turns.put("second")
                assert suspect.done()

    play(scene)


def test_suspicion_ends_with_an_answer_or_after_a_while(monkeypatch):
    def scene():
        for end in (lambda turns: turns.trust("a"), lambda turns: monkeypatch.setattr(turns_module, "SUSPICION", 0)):
            turns = Turns(2)
            turns.suspect("a")
            end(turns)
            turns.put("item")
            assert turns.join(A).done()

    play(scene)


def test_who_leaves_before_the_turn_waits_no_longer():
    def scene():
        turns = Turns(2)
        gone, next_one = turns.join(A), turns.join(A)
        assert turns.leave(A, gone) is None
        turns.put("item")
        assert next_one.done() and not gone.done()

    play(scene)
