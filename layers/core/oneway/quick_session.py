"""botocore sessions that reach their first call sooner.

botocore looks through the folders of all four hundred services, to learn whether the one that it was asked for exists, and takes
up what has to be done about calls of any of them: together more than a tenth of a cold start. What describes the one service, and
what has to be done about its calls, is as ever (docs/adr/0006).
"""

import os

from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST, REGISTER_LAST
from botocore.loaders import Loader
from botocore.session import Session


class _OneService(Loader):  # type: ignore[misc]  # botocore is untyped
    """Takes its caller's word that there is a service."""

    def __init__(self, service: str, data_path: str | None) -> None:
        super().__init__(extra_search_paths=data_path.split(os.pathsep) if data_path else None)
        self._service = service

    def list_available_services(self, type_name: str) -> list[str]:
        """The one; for any other botocore raises UnknownServiceError."""
        return [self._service]


def session_of(service: str) -> Session:
    """A session that knows one service and no other, by its name in events (its id in lower case, with hyphens)."""
    session = Session(include_builtin_handlers=False)
    events = session.get_component("event_emitter")
    ranked = {REGISTER_FIRST: events.register_first, REGISTER_LAST: events.register_last}
    for name, handler, *rank in BUILTIN_HANDLERS:
        if concerns(name, service):
            (ranked[rank[0]] if rank else events.register)(name, handler)
    session.register_component("data_loader", _OneService(service, session.get_config_variable("data_path")))
    return session


def concerns(event: str, service: str) -> bool:
    """Whether an event of botocore (`before-call.s3.PutObject`) may be one of a service's calls; none that writes manuals is."""
    kind, _, rest = event.partition(".")
    return kind != "docs" and rest.partition(".")[0] in ("", "*", service)
