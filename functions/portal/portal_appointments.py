"""Appointments: the lists of what there is to do, of what comes and of what was."""

from chalice.app import Response
from oneway.ports import Session
from portal_app import app, portal, show, signed_in


@app.route("/portal/{practice}/appointments")
@signed_in
def show_action_required(session: Session, practice: str) -> Response:
    """Appointments > Action required."""
    found = portal().list_to_act(practice, session.email)
    return show("appointments.html", session, found, "appointments", requests=found.requests, broken=found.broken)
