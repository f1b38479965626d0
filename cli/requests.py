"""Requests, for operators: why one is still pending. No patient's data is shown; the details page has it, on record."""

from oneway.domain.errors import RequestNotFound
from oneway.languages import portal_words
from rich.console import Console
from rich.markup import escape

from .stack import Stack, operators, plainly, practice_named
from .terminal import Failure, busy, table

_HIDDEN = "•••"


def explain(stack: Stack, slug: str, request_id: str, out: Console) -> None:
    """Say why a request is pending and what may be its answer. Raises Failure if there is no such request."""
    stack.enter()
    with plainly(stack.name), busy(out, "Looking"):
        ours = operators()
        practice = practice_named(ours, slug)
        try:
            request = ours.requests.get(slug, request_id)
        except RequestNotFound:
            raise Failure(
                f'{practice.name} has no request "{request_id}"', "It is the last part of the details page's address."
            ) from None
        found = ours.explain_request(practice, request)
    said = portal_words("en")
    out.print(f"[bold]{said[f'staff_state.{request.shown_state}']}[/]")
    if found.why:
        why = found.why
        provider = practice.provider_named(why.provider_id or request.provider_id).name
        hidden = {"typed": _HIDDEN, "record": _HIDDEN}
        sentence = said[f"why.{why.why}"].format(provider=provider, minutes=why.minutes, others=why.others, **hidden)
        out.print(escape(sentence))
    if found.answered:
        out.print(f"{said['answered_do']} ({found.answered.id})")
    if found.suggestions:
        shown = table("possible match", "provider", "score", "the same", "different")
        for one in found.suggestions:
            fields = {"agrees": list[str](), "differs": list[str]()}
            for evidence in one.match.evidence:
                if evidence.verdict in fields and f"match_field.{evidence.field}" in said:
                    how = f" ({said[f'match_how.{evidence.how}']})" if evidence.how else ""
                    fields[evidence.verdict].append(said[f"match_field.{evidence.field}"].lower() + how)
            provider = practice.provider_named(one.visit.provider_id).name
            agrees, differs = (", ".join(fields[verdict]) for verdict in ("agrees", "differs"))
            shown.add_row(said[f"match_kind.{one.match.kind}"], provider, f"{one.match.score:.0f}", agrees, differs)
        out.print(shown)
    out.print(f"{stack.output('Url')}/portal/{slug}/appointments/{request_id}")
