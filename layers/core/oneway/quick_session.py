"""botocore sessions that reach their first call sooner.

botocore looks through the folders of all four hundred services, to learn whether the one that it was asked for exists: a tenth
of a cold start. What describes that one it finds as ever (docs/adr/0006).
"""

import os

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


def know_one(session: Session, service: str) -> Session:
    """Have a session that made no client yet know one service and no other."""
    session.register_component("data_loader", _OneService(service, session.get_config_variable("data_path")))
    return session
