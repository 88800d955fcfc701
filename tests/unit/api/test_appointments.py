"""Who is refused is told a time of their own to come again."""

from __future__ import annotations

from api.admission import APPOINTMENTS_PER_SECOND, LONGEST_SECONDS, Appointments


def test_a_few_may_come_again_in_a_second() -> None:
    """Less than a second's worth of them."""
    appointments = Appointments()
    assert {appointments.next() for _ in range(APPOINTMENTS_PER_SECOND - 1)} == {1}


def test_a_crowd_comes_one_behind_the_other() -> None:
    """Two hundred at once are spread over four seconds."""
    appointments = Appointments()
    told = [appointments.next() for _ in range(4 * APPOINTMENTS_PER_SECOND)]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (1, 4)


def test_nobody_is_sent_away_for_longer_than_half_a_minute() -> None:
    """However many there are."""
    appointments = Appointments()
    told = [appointments.next() for _ in range(100 * APPOINTMENTS_PER_SECOND)]
    assert told[-1] == LONGEST_SECONDS
