"""The settings of a function, read once from its environment and checked."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct


class SettingsError(Exception):
    """The environment lacks something that the template should have given."""


class Settings(Struct, frozen=True):
    """What the template gives a function. Text that is not meant for a function is empty there.

    `public_url` is where people reach the product, without a slash at its end. `send_rate` is what SES lets the account send, in
    recipients a second (a new one: 14).
    """

    table_name: str
    public_url: str
    local: bool
    link_secrets_parameter: str = ""
    sign_in_url: str = ""
    sign_in_client_id: str = ""
    sources_prefix: str = ""
    sync_queue_url: str = ""
    message_queue_url: str = ""
    sender: str = ""
    configuration_set: str = ""
    mail_aside_url: str = ""
    send_rate: float = 14

    @property
    def base_path(self) -> str:
        """What stands before every path of a link: empty, or the stage where there is no domain."""
        return urlsplit(self.public_url).path


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this function. Raises SettingsError with the name of what is missing."""
    values = os.environ if environment is None else environment
    if not values.get("TABLE_NAME"):
        raise SettingsError("TABLE_NAME is not set")
    return Settings(
        table_name=values["TABLE_NAME"],
        public_url=values.get("PUBLIC_URL", "").rstrip("/"),
        local=values.get("LOCAL") == "true",
        link_secrets_parameter=values.get("LINK_SECRETS_PARAMETER", ""),
        sign_in_url=values.get("SIGN_IN_URL", "").rstrip("/"),
        sign_in_client_id=values.get("SIGN_IN_CLIENT_ID", ""),
        sources_prefix=values.get("SOURCES_PARAMETER_PREFIX", ""),
        sync_queue_url=values.get("SYNC_QUEUE_URL", ""),
        message_queue_url=values.get("MESSAGE_QUEUE_URL", ""),
        sender=values.get("SENDER", ""),
        configuration_set=values.get("CONFIGURATION_SET", ""),
        mail_aside_url=values.get("MAIL_ASIDE_URL", ""),
        send_rate=float(values.get("SEND_RATE", 14)),
    )
