"""The booking form's fields ↔ the shape that the JSON API takes."""

from collections.abc import Mapping

CHOICES = ("provider", "visit_type", "start", "days", "parts", "for_whom", "new_patient")
"""What may stand in an address: nothing of it tells who asks."""
WRITTEN = (
    "first_name", "last_name", "birth_day", "birth_month", "birth_year", "mobile", "email", "booker_first_name",
    "booker_last_name", "booker_relation", "reason", "insurance",
)  # fmt: skip
"""What people write of themselves."""
FIELDS = (*CHOICES, "before", "key", "earlier", "language", *WRITTEN, "contact_consent")
"""All that is carried from page to page; `days` and `parts` hold several values, with commas. `before` is who was
chosen before *first available*, `earlier` the key under which the form was sent before it was changed."""

POINTERS = {
    "/booker/first_name": "booker_first_name",
    "/booker/last_name": "booker_last_name",
    "/booker/relation": "booker_relation",
    "/patient/first_name": "first_name",
    "/patient/last_name": "last_name",
    "/patient/birth_date": "birth_date",
    "/new_patient": "new_patient",
    "/patient/mobile": "mobile",
    "/patient/email": "email",
    "/reason": "reason",
    "/insurance": "insurance",
    "/contact_consent": "contact_consent",
}
"""JSON pointer of a problem → id of the field that it is about, in the order of the page."""


def request_form(values: Mapping[str, str]) -> dict[str, object]:
    """Form fields in the shape of the JSON API (`use_cases.request_form`)."""
    form: dict[str, object] = {
        "provider": values["provider"],
        "visit_type": values["visit_type"],
        "contact_consent": values["contact_consent"] == "yes",
        "reason": values["reason"].replace("\r\n", "\n"),
        "insurance": values["insurance"],
        "patient": {
            "first_name": values["first_name"],
            "last_name": values["last_name"],
            "birth_date": _birth_date(values),
            "mobile": values["mobile"],
            "email": values["email"].strip(),
        },
    }
    if values["days"] and not values["start"]:
        form["preferred"] = {name: list(filter(None, values[name].split(","))) for name in ("days", "parts")}
    else:
        form["start"] = values["start"]
    if values["new_patient"] in ("yes", "no"):
        form["new_patient"] = values["new_patient"] == "yes"
    if values["language"]:
        form["language"] = values["language"]
    if values["for_whom"] == "other":
        form["booker"] = {
            "first_name": values["booker_first_name"],
            "last_name": values["booker_last_name"],
            "relation": values["booker_relation"],
        }
    return form


def _birth_date(values: Mapping[str, str]) -> str:
    day, month, year = (values[name].strip() for name in ("birth_day", "birth_month", "birth_year"))
    if not (day or month or year):
        return ""
    return f"{year}-{month.zfill(2)}-{day.zfill(2)}"
