import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.text import tidy
from asr.timing import character_times, token_starts


def test_a_token_starts_where_the_path_first_meets_it():
    path = [(0, 0), (0, 1), (0, 40), (1, 40), (1, 50), (2, 75)]
    assert token_starts(path, 2) == [0.0, 0.8, 1.5]


def test_a_path_that_ends_early_leaves_the_rest_at_its_end():
    assert token_starts([(0, 0), (0, 50)], 3) == [0.0, 1.0, 1.0, 1.0]
    assert token_starts([], 1) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("pieces", "text", "times"),
    [
        ([("您", 0.1), ("好", 0.3), (",", 0.5)], "您好,", (0.1, 0.3, 0.5)),
        ([("醫生", 0.2), ("請", 0.6)], "医生请", (0.2, 0.2, 0.6)),
        ([(" And", 0.0), (" so", 0.5)], "And so", (0.0, 0.0, 0.0, 0.5, 0.5, 0.5)),
        ([("你", 0.1), ("\ufffd", 0.2), ("好", 0.3)], "你好", (0.1, 0.3)),
        ([], "好", (0.0,)),
    ],
)
def test_characters_keep_the_time_of_their_token(pieces, text, times):
    assert character_times(pieces, text) == times


@given(st.lists(st.text(alphabet="您好醫院麼 ,a\ufffd", min_size=1, max_size=4), max_size=20))
def test_every_character_has_a_time_and_time_never_runs_back(words):
    pieces = [(word, float(number)) for number, word in enumerate(words)]
    text = tidy("".join(words))
    times = character_times(pieces, text)
    assert len(times) == len(text)
    assert list(times) == sorted(times)
