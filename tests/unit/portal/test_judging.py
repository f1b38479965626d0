"""Whoever sends something is judged before anything of it is looked at: also where it makes no sense, and is none's business."""

import pytest

from tests.builders import a_practice
from tests.desk import NADIA, VIC
from tests.portal import PortalDesk, routes

CHANGES = sorted(path for method, path in routes() if method == "POST" and path.startswith("/portal/{practice}/"))
LOOKS = ["/portal/{practice}/search"]


@pytest.mark.parametrize("path", [one for one in CHANGES if one not in LOOKS])
@pytest.mark.parametrize(("by", "status"), [(VIC, 403), ("sam@quay.example", 404)], ids=["a viewer", "a stranger"])
def test_an_empty_form_is_refused_as_a_full_one_is(desk: PortalDesk, path: str, by: str, status: int) -> None:
    sam = type(a_practice().staff[NADIA])("sam@quay.example", "Sam")
    desk.store.practices.save(a_practice(slug="quay", name="Quay Clinic", staff={sam.email: sam}))
    names = {
        "practice": "harbor",
        "request": desk.ask().id,
        "part": "branding",
        "provider": "osei",
        "visit_type": "new",
    }
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    looks = list(desk.store.looks)

    answer = desk.send(path, by)

    assert answer.status == status
    assert desk.store.looks == looks
    assert "Maria" not in answer.html
