"""How many requests may wait for one person, or under one address or number."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.contact_marks import ContactMarks
from oneway.domain import identifiers, pending
from oneway.domain.errors import SlotAlreadyTaken, SlotNotOffered, TooManyPending
from oneway.domain.pending import NOTHING, LimitKind, Waiting, pack, unpack
from oneway.domain.practices import Limits
from oneway.use_cases.submit_request import Submitted

from tests.builders import NOW, START, a_form, a_patient, a_practice, a_row
from tests.world import SECRETS, World

digests = st.binary(min_size=4, max_size=4)
marks = st.builds(
    Waiting, st.integers(0, 99).map(lambda n: identifiers.request_id("harbor", str(n))), digests, digests, digests,
    st.integers(0, 2**32 - 1),
)  # fmt: skip


def ask(world: World, number: int, **patient: Any) -> Submitted:
    """The request number `number`, each for a time of its own."""
    working_day = number // 4
    days = working_day + 2 * ((working_day + 1) // 5)
    start = (START + timedelta(days=days, minutes=30 * (number % 4))).isoformat()
    typed = a_form()["patient"] | patient
    return world.submit(f"{number:032d}", start=start, patient=typed)


def somebody(number: int) -> dict[str, str]:
    """A person of their own, with contacts of their own."""
    return {
        "first_name": "Otto" + "abcdefghij"[number % 10] + "abcdefghij"[number // 10],
        "email": f"o{number}@example.org",
        "mobile": "",
    }


class TestOnePerson:
    def test_has_three_and_no_more(self, world: World) -> None:
        for number in range(3):
            ask(world, number, email=f"m{number}@example.org", mobile="")
        with pytest.raises(TooManyPending) as refused:
            ask(world, 3, email="other@example.org", mobile="")
        assert (refused.value.kind, refused.value.limit) == (LimitKind.PERSON, 3)
        assert len(world.store.requests_by_id) == 3

    def test_however_the_name_is_typed(self, world: World) -> None:
        for number, name in enumerate(("Núñez", "nunez", "NUNEZ ")):
            ask(world, number, last_name=name, email=f"m{number}@example.org", mobile="")
        with pytest.raises(TooManyPending):
            ask(world, 3, email="other@example.org", mobile="")

    @pytest.mark.parametrize("answer", ["cancelled", "confirmed"])
    def test_may_ask_again_once_one_is_answered(self, world: World, answer: str) -> None:
        first, *_ = [ask(world, number) for number in range(3)]
        if answer == "cancelled":
            world.cancel_by_patient("harbor", first.link)
        else:
            world.source.enter(a_row())
            world.pull()
        assert ask(world, 3).created
        with pytest.raises(TooManyPending):
            ask(world, 4)

    def test_repeating_a_request_is_not_asking_again(self, world: World) -> None:
        first, *_ = [ask(world, number) for number in range(3)]
        again = ask(world, 0)
        assert (again.request.id, again.created) == (first.request.id, False)


class TestOneContact:
    @pytest.mark.parametrize("kept", ["email", "mobile"])
    def test_has_eight_whoever_they_are_for(self, world: World, kept: str) -> None:
        same = (
            {"email": "Family@Example.org", "mobile": ""} if kept == "email" else {"email": "", "mobile": "4155552671"}
        )
        for number in range(8):
            ask(world, number, **somebody(number) | same)
        with pytest.raises(TooManyPending) as refused:
            ask(world, 8, **somebody(8) | same)
        assert (refused.value.kind, refused.value.limit) == (LimitKind.CONTACT, 8)
        assert ask(world, 9, **somebody(9)).created

    def test_limits_are_the_practices(self) -> None:
        world = World(a_practice(limits=Limits(1, 2)))
        ask(world, 0)
        with pytest.raises(TooManyPending):
            ask(world, 1)


class TestMarks:
    def test_a_request_that_was_not_stored_leaves_none(self, world: World) -> None:
        ask(world, 0)
        world.store.before_commit = lambda: ask(world, 1, **somebody(1)) and None
        with pytest.raises((SlotAlreadyTaken, SlotNotOffered)):
            world.submit("x" * 32, start=(START + timedelta(minutes=30)).isoformat())
        assert len(world.store.waiting["harbor"]) == 2

    def test_two_at_the_same_moment_see_each_other(self) -> None:
        world = World(a_practice(limits=Limits(1, 8)))

        def another_asks() -> None:
            with pytest.raises(TooManyPending):
                ask(world, 1)

        world.store.before_commit = another_asks
        ask(world, 0)
        assert sum(r.pending for r in world.store.requests_by_id.values()) == 1

    def test_a_mark_without_its_request_counts_for_two_minutes_only(self, world: World) -> None:
        marks = ContactMarks(lambda: SECRETS)
        for number in range(3):
            mark = marks.of("harbor", identifiers.request_id("harbor", f"lost {number}"), a_patient(), NOW)
            world.store.pending.add("harbor", mark)
        with pytest.raises(TooManyPending):
            ask(world, 0)
        world.clock.advance(minutes=4)
        assert ask(world, 0).created
        assert len(world.store.waiting["harbor"]) == 1

    def test_old_ones_are_looked_after_before_they_are_many(self, world: World) -> None:
        for number in range(50):
            world.cancel_by_patient("harbor", ask(world, number, **somebody(number)).link)
            world.clock.advance(minutes=1)
        assert len(world.store.waiting["harbor"]) <= pending.MOST_MARKS + 3

    @given(marks)
    def test_packing_loses_nothing(self, mark: Waiting) -> None:
        assert unpack(pack(mark)) == mark
        assert len(pack(mark)) == 24

    def test_they_say_nothing_of_whom_they_are(self) -> None:
        mark = ContactMarks(lambda: SECRETS).of("harbor", "a" * 13, a_patient(), NOW)
        other = ContactMarks(lambda: [b"t" * 32]).of("harbor", "a" * 13, a_patient(), NOW)
        elsewhere = ContactMarks(lambda: SECRETS).of("pier", "a" * 13, a_patient(), NOW)
        for one in (other, elsewhere):
            assert not {mark.person, mark.email, mark.phone} & {one.person, one.email, one.phone}
        without = ContactMarks(lambda: SECRETS).of("harbor", "a" * 13, replace(a_patient(), email=None), NOW)
        assert (without.email, without.phone) == (NOTHING, mark.phone)
