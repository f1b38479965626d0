"""`oneway sync` and `oneway status`: what is read from scheduling systems, now and lately. No patient is ever named."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from oneway import bootstrap
from oneway.bootstrap import Operators
from oneway.domain.errors import VanishedAlreadyAnswered
from oneway.domain.feeds import FeedState, VanishedAnswer
from oneway.domain.practices import Practice
from oneway.domain.requests import SWEPT_AFTER
from oneway.faults import SourceError
from oneway.use_cases.sync_feed import Outcome, SyncReport
from oneway.use_cases.try_pull import Tried
from rich.console import Console
from rich.markup import escape

from .document import suggestion
from .stack import Stack, operators, plainly, practice_named
from .terminal import Failure, busy, table

FAULTS = {
    "unavailable": "no answer, or an error from the source; tried again by itself",
    "rate_limited": "the source asks us to wait; tried again by itself",
    "auth_expired": "the sign-in has expired; tried again by itself",
    "auth_revoked": "the source refuses our credentials: get new ones and run `oneway apply`",
    "schema_drift": "the source answers differently than expected: check its kind, profile and address",
    "out_of_time": "there was no time to read it, or the account's budget is used up: its next turn goes on",
    "held": "visits vanished at once; tell what it means with `oneway vanished`",
    "incomplete": "the source says itself that it does not show everything; tried again by itself",
    "cursor_expired": "the source wants a fresh start; done with the next pull",
}
ANSWERS = {VanishedAnswer.ACCEPT: "taken as gone", VanishedAnswer.KEEP: "kept as they are"}
_FRESH = timedelta(minutes=10)


def sync(stack: Stack, slug: str, provider_ids: Sequence[str], out: Console) -> bool:
    """Pull now; whether every pull was good. Raises Failure if there is nothing of these names."""
    stack.enter()
    with plainly(stack.name):
        practice = practice_named(operators(), slug)
        feeds = _feeds_to_pull(practice, provider_ids)
        sync_feed = bootstrap.sync_schedule()
        shown = table("provider", "outcome", "seen", "changed", "confirmed", "missing", "set aside", "seconds")
        good = True
        for number, (provider_id, feed_id) in enumerate(feeds, 1):
            began = time.monotonic()
            with busy(out, f"Reading the schedule of {provider_id} ({number} of {len(feeds)})"):
                report = sync_feed(slug, feed_id, now_asked=True)
            good = good and report.outcome in (Outcome.CHANGED, Outcome.UNCHANGED)
            shown.add_row(provider_id, *_told(report), f"{time.monotonic() - began:.1f}")
    out.print(shown)
    return good


def test(stack: Stack, slug: str, provider_id: str, out: Console) -> bool:
    """Pull once and show what was seen and what a sync would do, writing nothing; whether the source answered."""
    stack.enter()
    with plainly(stack.name):
        ((_, feed_id),) = _feeds_to_pull(practice_named(operators(), slug), [provider_id])
        with busy(out, f"Reading the schedule of {provider_id}"):
            try:
                tried = bootstrap.try_pull()(slug, feed_id)
            except SourceError as fault:
                out.print(f"[bold red]Failed:[/] {FAULTS.get(fault.word, fault.word)} ({escape(str(fault))})")
                return False
    if tried is None:
        raise Failure(f'"{provider_id}" has no feed', "Run `oneway apply` again.")
    can = tried.capabilities
    yes_no = {True: "yes", False: "no"}
    out.print(
        f"The source answers. Patients: {can.patient}; unchanged answers: {yes_no[can.conditional_get]}; "
        f"read by id: {yes_no[can.read_by_id]}; split booking: {yes_no[can.split_booking]}."
    )
    shown = table("its word", "taken for", "rows")
    for (word, state), count in sorted(tried.states.items(), key=lambda one: -one[1]):
        shown.add_row(escape(word), str(state), str(count))
    out.print(shown)
    out.print(
        f"{tried.seen} rows: {tried.visits} visits, {tried.blocks} blocks. Of the visits {tried.with_birth_date} have a "
        f"birth date, {tried.with_contact} a phone or an e-mail: only visits with both can confirm a request by themselves."
    )
    for reason, count in Counter(one.reason for one in tried.set_aside).items():
        out.print(f"{count} set aside: {escape(reason)}")
    for remark in tried.remarks:
        out.print(f"The source {escape(remark)}.")
    out.print(
        f"A sync would find {tried.new} new, {tried.changed} changed and {tried.absent} no longer shown. "
        f"{_brake(tried, slug)}Nothing was written."
    )
    return True


def _brake(tried: Tried, slug: str) -> str:
    """What a sync would do because so much vanished at once, if it did."""
    if not tried.held:
        return ""
    vanished = (
        f"{tried.held.vanished} of {tried.held.of} visits to come of {escape(tried.held.provider_id)} vanish at once"
    )
    if tried.answer:
        return f"{vanished}, which staff have answered: {ANSWERS[tried.answer]}. "
    return (
        f"[bold]It would be held[/]: {vanished}. It would change nothing and ask staff; they, or `oneway vanished {escape(slug)} "
        f"{escape(tried.held.provider_id)} accept` (or keep), say what that means. "
    )


def answer_vanished(stack: Stack, slug: str, provider_id: str, answer: VanishedAnswer, out: Console) -> None:
    """Say what it means that much of a provider's schedule vanished at once. Raises Failure if nothing is held."""
    stack.enter()
    with plainly(stack.name):
        ours = operators()
        ((_, feed_id),) = _feeds_to_pull(practice_named(ours, slug), [provider_id])
        try:
            is_held = ours.answer_held(slug, feed_id, answer)
        except VanishedAlreadyAnswered as first:
            said = ANSWERS[VanishedAnswer(first.answer)]
            raise Failure(
                f"{first.answered_by or 'somebody'} has answered already: {said}", "Talk to each other."
            ) from None
        if not is_held:
            raise Failure(f'no pull of "{provider_id}" is held', "`oneway status` shows what is.")
    out.print(f"With the next pull these visits are {ANSWERS[answer]}.")


def status(stack: Stack, slug: str | None, out: Console) -> bool:
    """Show feeds, requests and messages that wait; whether all is well. Raises Failure for an unknown practice."""
    stack.enter()
    with plainly(stack.name), busy(out, "Looking"):
        ours = operators()
        now = ours.clock.now()
        practices = [practice_named(ours, one) for one in ([slug] if slug else ours.practices.slugs())]
        waiting = ours.requests.unsent(now - SWEPT_AFTER)
        found = [(p, _states(ours, p), len(ours.requests.to_act(p.slug))) for p in practices]
        aside = {practice.slug: list(_aside(ours, states)) for practice, states, _ in found}
    if not found:
        out.print("There is no practice yet: `oneway apply practice.yaml` makes one.")
        return True
    well = True
    for practice, states, to_act in found:
        unsent = sum(slug == practice.slug for slug, _ in waiting)
        out.print(f"[bold]{escape(practice.name)}[/] ({practice.slug})")
        shown = table("provider", "last good pull", "every", "last change", "set aside", "state")
        for provider in practice.providers.values():
            state = states.get(practice.feed_of(provider) or "")
            if not provider.integrated:
                shown.add_row(provider.id, "-", "-", "-", "-", "not integrated: the practice's phone is shown")
                continue
            well = well and is_well(state)
            shown.add_row(provider.id, *_row(state, ours.age.last_good_at(practice, provider), now))
        out.print(shown)
        for feed_id, reason, count in aside[practice.slug]:
            out.print(f"{escape(feed_id)}: {count} set aside: {escape(reason)}")
        out.print(f"Action required: {to_act} · messages unsent for over two minutes: {unsent}")
        well = well and not unsent
    return well


def is_well(state: FeedState | None) -> bool:
    """Whether a feed was read, and is neither broken nor held."""
    return state is not None and state.last_good_at is not None and not state.broken_since and not state.held


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in words; under ten minutes is up to date (product section 5: heartbeats are that coarse)."""
    if since is None:
        return "never"
    passed = now - since
    if passed <= _FRESH:
        return "up to date"
    minutes = int(passed.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"


def _row(state: FeedState | None, good_at: datetime | None, now: datetime) -> tuple[str, str, str, str, str]:
    if state is None:
        return "never", "-", "-", "-", "no feed: run `oneway apply` again"
    words = "well" if state.last_good_at else "waits for its first pull"
    if state.held:
        words = (
            f"held: {state.held.vanished} of {state.held.of} visits to come vanished at once; tell what it means: "
            f"`oneway vanished {state.settings.practice} {state.held.provider_id} accept` (or keep)"
        )
    if state.broken_since:
        fault = FAULTS.get(state.last_failure, state.last_failure)
        words = f"[bold red]broken[/] since {state.broken_since:%Y-%m-%d %H:%M} UTC: {fault}"
    elif state.failures:
        again = f"; again after {state.not_before:%H:%M} UTC" if state.not_before and state.not_before > now else ""
        words = f"failed {state.failures}× running: {FAULTS.get(state.last_failure, state.last_failure)}{again}"
    interval = f"{state.settings.interval_minutes} min"
    changed = f"{state.last_change_at:%Y-%m-%d %H:%M} UTC" if state.last_change_at else "-"
    return age(good_at, now), interval, changed, str(state.set_aside), words


def _aside(ours: Operators, states: Mapping[str, FeedState]) -> Iterator[tuple[str, str, int]]:
    """(feed id, reason, how many of the rows that are kept) of what could not be used."""
    wanted = {feed_id: state.settings.practice for feed_id, state in states.items() if state.set_aside}
    for practice in set(wanted.values()):
        for feed_id, file in ours.feeds.files(practice, wanted).items():
            yield from ((feed_id, reason, count) for reason, count in Counter(one.reason for one in file.aside).items())


def _told(report: SyncReport) -> tuple[str, ...]:
    if report.outcome is Outcome.FAILED:
        return (f"failed: {FAULTS.get(report.failure, report.failure)}", "", "", "", "", "")
    if report.outcome is Outcome.NO_SUCH_FEED:
        return ("no feed: run `oneway apply` again", "", "", "", "", "")
    counts = (report.seen, report.changed, report.confirmed, report.missing, report.set_aside)
    # An "unchanged" of the source's own brings no rows to count.
    seen = "-" if report.outcome is Outcome.UNCHANGED and not report.seen else str(report.seen)
    return (str(report.outcome), seen, *(str(count) for count in counts[1:]))


def _states(ours: Operators, practice: Practice) -> dict[str, FeedState]:
    return {state.settings.feed_id: state for state in ours.feeds.of_practice(practice.slug)}


def _feeds_to_pull(practice: Practice, provider_ids: Sequence[str]) -> list[tuple[str, str]]:
    """(provider id, feed id) of those named, or of all integrated ones."""
    integrated = {p.id: feed for p in practice.providers.values() if (feed := practice.feed_of(p))}
    for provider_id in provider_ids:
        if provider_id not in practice.providers:
            hint = suggestion(provider_id, tuple(practice.providers))
            raise Failure(f'{practice.name} has no provider "{provider_id}"', hint)
        if provider_id not in integrated:
            hint = 'Give it a "source" and an "external_id" in the practice file, and apply it.'
            raise Failure(f'the provider "{provider_id}" is not integrated', hint)
    if not integrated:
        raise Failure(f"{practice.name} has no integrated provider", "docs/practice-file.md shows how to connect one.")
    wanted = provider_ids or tuple(integrated)
    return [(provider_id, integrated[provider_id]) for provider_id in wanted]
