"""Free times of a month as django-appointment finds them; run by the virtual environment that has it.

Reads from standard input {"first": day, "visits": {day: [[minute, minutes], ...]}, "repeats": n}: a staff member who works from
nine to five on weekdays, half-hour slots. Prints {"seconds": median of a month, "free": {day: [minute, ...]}}.
"""

import json
import logging
import sys
import time
from datetime import date, datetime, timedelta
from statistics import median

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "appointment"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    ROOT_URLCONF="appointment.urls",
    AUTH_USER_MODEL="auth.User",
    USE_TZ=True,
    TIME_ZONE="UTC",
)
django.setup()
logging.disable(logging.CRITICAL)

from appointment import models, services  # noqa: E402 - Django has to be set up first
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402


def main() -> None:
    asked = json.load(sys.stdin)
    call_command("migrate", verbosity=0, run_syncdb=True)
    users = get_user_model()
    service = models.Service.objects.create(name="Visit", duration=timedelta(minutes=30), price=0)
    staff = models.StaffMember.objects.create(
        user=users.objects.create(username="staff"),
        slot_duration=30,
        lead_time=datetime(2000, 1, 1, 9).time(),
        finish_time=datetime(2000, 1, 1, 17).time(),
        appointment_buffer_time=0,
    )
    staff.services_offered.add(service)
    for weekday in range(1, 6):
        models.WorkingHours.objects.create(
            staff_member=staff,
            day_of_week=weekday,
            start_time=datetime(2000, 1, 1, 9).time(),
            end_time=datetime(2000, 1, 1, 17).time(),
        )
    client = users.objects.create(username="client")
    for text, visits in asked["visits"].items():
        for minute, minutes in visits:
            start = datetime.fromisoformat(text) + timedelta(minutes=minute)
            request = models.AppointmentRequest(
                date=start.date(),
                start_time=start.time(),
                end_time=(start + timedelta(minutes=minutes)).time(),
                service=service,
                staff_member=staff,
            )
            models.AppointmentRequest.objects.bulk_create([request])
            models.Appointment.objects.bulk_create(
                [
                    models.Appointment(
                        client=client, appointment_request=request, id_request=str(request.pk), phone="", address=""
                    )
                ]
            )
    days = [date.fromisoformat(asked["first"]) + timedelta(days=n) for n in range(31)]
    times = []
    for _ in range(asked["repeats"]):
        began = time.perf_counter()
        found = {
            day: services.get_available_slots_for_staff(day, staff, (day.weekday() + 1) % 7, service) for day in days
        }
        times.append(time.perf_counter() - began)
    free = {str(day): [one.hour * 60 + one.minute for one in slots] for day, slots in found.items()}
    json.dump({"seconds": median(times), "free": free}, sys.stdout)


main()
