"""Slips of a hand, likeness, and nicknames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.domain.nicknames import same_by_nickname
from oneway.domain.similarity import jaro_winkler, one_letter, one_replaced, similar, transposed

words = st.text(alphabet="abcd", max_size=8)


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("martha", "marhta", 0.9611),  # Winkler's own examples
        ("dixon", "dicksonx", 0.8133),
        ("dwayne", "duane", 0.84),
        ("abc", "xyz", 0.0),
        ("", "abc", 0.0),
        ("abc", "abc", 1.0),
    ],
)
def test_published_values(one: str, other: str, likeness: float) -> None:
    assert jaro_winkler(one, other) == pytest.approx(likeness, abs=1e-4)


@given(words, words)
def test_likeness_is_the_same_from_both_sides_and_one_for_the_same_only(one: str, other: str) -> None:
    assert jaro_winkler(one, other) == pytest.approx(jaro_winkler(other, one))
    assert 0 <= jaro_winkler(one, other) <= 1
    assert (jaro_winkler(one, other) == 1) is (one == other != "")


@given(words, words, st.sampled_from([0.7, 0.88, 0.95]))
def test_letters_alone_never_rule_out_what_is_similar(one: str, other: str, least: float) -> None:
    assert similar(one, other, least) is (jaro_winkler(one, other) >= least)


@given(words, st.integers(0, 7), st.sampled_from("abcd"))
def test_slips_are_found(word: str, at: int, letter: str) -> None:
    at %= len(word) + 1
    added = word[:at] + letter + word[at:]
    assert one_letter(word, added)
    assert one_letter(added, word)
    replaced = word[:at] + letter + word[at + 1 :]
    assert one_replaced(word, replaced) is (replaced != word and len(replaced) == len(word))
    turned = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    assert transposed(word, turned) is (turned != word)


@given(words, words)
def test_slips_are_the_same_from_both_sides_and_never_none(one: str, other: str) -> None:
    for slip in (one_letter, one_replaced, transposed):
        assert slip(one, other) is slip(other, one)
        assert not slip(one, one)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("bill", "william", True),
        ("bill", "willie", True),
        ("peggy", "margaret", True),
        ("pepe", "jose", True),
        ("lupe", "guadalupe", True),
        ("william", "robert", False),
        ("bill", "bob", False),
        ("maria", "mary", False),
        ("anna", "anna", False),
    ],
)
def test_nicknames(one: str, other: str, same: bool) -> None:
    assert same_by_nickname(one, other) is same_by_nickname(other, one) is same
