"""What each group of levels weighs, in bits; see `possible_matches`.

Written by `python -m tests.benchmarks.matching --fit` from training data only; docs/matching.md says which.
"""

from collections.abc import Mapping

AGAINST_STRANGERS: Mapping[str, Mapping[str, float]] = {
    "first_name": {
        "agrees": 6.8,
        "differs": -5.0,
        "near": 5.3,
        "nickname": 3.4,
        "part": -0.8,
        "short": 2.9,
        "similar": 1.2,
    },
    "last_name": {
        "agrees": 7.3,
        "differs": -4.6,
        "misplaced": 2.2,
        "near": 7.0,
        "part": 3.0,
        "short": 3.7,
        "similar": 3.7,
        "swapped": 10.8,
    },
    "suffix": {"agrees": 2.5, "differs": -6.0},
    "birth_date": {"agrees": 14.0, "differs": -6.1, "part": -0.6, "slip": 6.0},
    "mobile": {"agrees": 14.0, "differs": -3.3, "slip": 11.5},
    "email": {"agrees": 14.0, "differs": -5.5, "near": 11.7},
}
AGAINST_RELATIVES: Mapping[str, Mapping[str, float]] = {
    "first_name": {
        "agrees": 3.0,
        "differs": -4.8,
        "near": 3.2,
        "nickname": 2.6,
        "part": -1.1,
        "short": 0.7,
        "similar": 0.3,
    },
    "last_name": {
        "agrees": 0.0,
        "differs": -1.5,
        "misplaced": -1.2,
        "near": 0.8,
        "part": -0.4,
        "short": 0.6,
        "similar": 3.8,
        "swapped": 4.1,
    },
    "suffix": {"agrees": 6.2, "differs": -6.3},
    "birth_date": {"agrees": 3.5, "differs": -6.0, "part": -0.3, "slip": 2.3},
    "mobile": {"agrees": 0.5, "differs": -1.9, "slip": 0.5},
    "email": {"agrees": 0.8, "differs": -4.3, "near": 0.7},
}
FLOOR = 7.0
"""Bits below which nothing is suggested."""
