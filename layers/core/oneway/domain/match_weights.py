"""What each level of evidence weighs, in bits. Written by `python -m tests.benchmarks.matching --fit` from training data only."""

from collections.abc import Mapping

AGAINST_STRANGERS: Mapping[str, Mapping[str, float]] = {
    "first_name": {
        "agrees": 7.0,
        "near": 6.0,
        "nickname": 5.0,
        "part": 3.0,
        "similar": 4.0,
        "swapped": 0.0,
        "differs": -5.0,
    },
    "last_name": {"agrees": 9.0, "near": 7.0, "part": 6.0, "similar": 4.0, "swapped": 14.0, "differs": -5.0},
    "suffix": {"differs": -4.0},
    "birth_date": {"agrees": 12.0, "slip": 6.0, "part": 2.0, "differs": -5.0},
    "mobile": {"agrees": 14.0, "slip": 10.0, "differs": -3.0},
    "email": {"agrees": 14.0, "near": 10.0, "differs": -3.0},
}
AGAINST_RELATIVES: Mapping[str, Mapping[str, float]] = {
    "first_name": {
        "agrees": 4.0,
        "near": 5.0,
        "nickname": 4.0,
        "part": 3.0,
        "similar": 2.0,
        "swapped": 0.0,
        "differs": -5.0,
    },
    "last_name": {"agrees": 0.0, "near": 1.0, "part": 1.0, "similar": 1.0, "swapped": 5.0, "differs": -1.0},
    "suffix": {"differs": -8.0},
    "birth_date": {"agrees": 4.0, "slip": 5.0, "part": 1.0, "differs": -5.0},
    "mobile": {"agrees": 0.5, "slip": 3.0, "differs": -1.0},
    "email": {"agrees": 0.5, "near": 3.0, "differs": -1.0},
}
FLOOR = 10.0
"""Bits below which nothing is suggested."""
