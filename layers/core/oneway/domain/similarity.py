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


def transposed(one: str, other: str) -> bool:
    """Whether two neighbours changed places, and nothing else."""
    if len(one) != len(other):
        return False
    differs = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(differs) != 2 or differs[1] != differs[0] + 1:
        return False
    first, second = differs
    return one[first] == other[second] and one[second] == other[first]


def one_replaced(one: str, other: str) -> bool:
    """Whether one character is another, and nothing else differs."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def one_letter(one: str, other: str) -> bool:
    """Whether one character is another, is missing or is one too many, and nothing else differs."""
    if len(one) == len(other):
        return one_replaced(one, other)
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) != 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[at:] == other[at + 1 :]
