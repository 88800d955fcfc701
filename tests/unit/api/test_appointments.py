"""Who is refused is told a time of their own to come again."""

from __future__ import annotations

from api.admission import LONGEST_RETRY_SECONDS, RETRIES_PER_SECOND, RetryTimes


def test_a_few_may_come_again_in_a_second() -> None:
    """Less than a second's worth of them."""
    retry_times = RetryTimes()
    assert {retry_times.next() for _ in range(RETRIES_PER_SECOND - 1)} == {1}


def test_a_crowd_comes_one_behind_the_other() -> None:
    """Two hundred at once are spread over four seconds."""
    retry_times = RetryTimes()
    told = [retry_times.next() for _ in range(4 * RETRIES_PER_SECOND)]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (1, 4)


def test_nobody_is_sent_away_for_longer_than_half_a_minute() -> None:
    """However many there are."""
    retry_times = RetryTimes()
    told = [retry_times.next() for _ in range(100 * RETRIES_PER_SECOND)]
    assert told[-1] == LONGEST_RETRY_SECONDS
