"""Staff: the portal. Each module of pages registers its routes on the app; they stand in infra/api.yaml, too."""

import portal_appointments
import portal_calendar
import portal_details
import portal_integration
import portal_settings
import portal_sign_in
from oneway.web.answers import handler_of
from portal_app import app, pages, portal

__all__ = (
    "app",
    "handler",
    "pages",
    "portal",
    "portal_appointments",
    "portal_calendar",
    "portal_details",
    "portal_integration",
    "portal_settings",
    "portal_sign_in",
)

handler = handler_of(app)
