"""How alike two normalised words are: by one slip of a hand, or as a whole."""

from functools import lru_cache

_PREFIX, _PREFIX_WEIGHT = 4, 0.1


@lru_cache(maxsize=16_384)
def jaro_winkler(one: str, other: str) -> float:
    """Jaro's similarity, raised by a common beginning: 0 (nothing in common) to 1 (the same). Symmetric.

    W. E. Winkler, "String comparator metrics and enhanced decision rules in the Fellegi-Sunter model of record linkage",
    1990: beginnings are seldom mistyped, so up to four common letters count once more, a tenth of what is missing each.
    """
    if one == other:
        return 1.0 if one else 0.0
    if not one or not other:
        return 0.0
    reach = max(max(len(one), len(other)) // 2 - 1, 0)
    taken = [False] * len(other)
    ours: list[str] = []
    for at, letter in enumerate(one):
        for there in range(max(0, at - reach), min(len(other), at + reach + 1)):
            if not taken[there] and other[there] == letter:
                taken[there] = True
                ours.append(letter)
                break
    if not ours:
        return 0.0
    theirs = [letter for letter, common in zip(other, taken, strict=True) if common]
    common = len(ours)
    out_of_order = sum(a != b for a, b in zip(ours, theirs, strict=True)) / 2
    jaro = (common / len(one) + common / len(other) + (common - out_of_order) / common) / 3
    prefix = 0
    for a, b in zip(one[:_PREFIX], other[:_PREFIX], strict=False):
        if a != b:
            break
        prefix += 1
    return jaro + prefix * _PREFIX_WEIGHT * (1 - jaro)


def similar(one: str, other: str, least: float) -> bool:
    """Whether Jaro–Winkler's similarity is at least so much; most pairs are told apart by their letters alone."""
    if not one or not other:
        return False
    common = min(sum(map(other.__contains__, one)), sum(map(one.__contains__, other)))
    at_most = (common / len(one) + common / len(other) + 1) / 3
    if one[0] == other[0]:
        at_most += _PREFIX * _PREFIX_WEIGHT * (1 - at_most)
    return at_most >= least and jaro_winkler(one, other) >= least


def transposed(one: str, other: str) -> bool:
    """Whether two neighbours changed places, and nothing else."""
    if len(one) != len(other) or one == other:
        return False
    at = _first_difference(one, other)
    return one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]


def one_replaced(one: str, other: str) -> bool:
    """Whether one character is another, and nothing else differs."""
    if len(one) != len(other) or one == other:
        return False
    at = _first_difference(one, other)
    return one[at + 1 :] == other[at + 1 :]


def one_letter(one: str, other: str) -> bool:
    """Whether one character is another, is missing or is one too many, and nothing else differs."""
    longer = len(other) - len(one)
    if not longer:
        return one_replaced(one, other)
    if longer == -1:
        one, other = other, one
    elif longer != 1:
        return False
    at = _first_difference(one, other)
    return one[at:] == other[at + 1 :]


def _first_difference(one: str, other: str) -> int:
    """Where they part; the shorter one's length if it begins the other."""
    at = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        at += 1
    return at
