"""Who takes part in a run, by the files that the users stand in."""

from __future__ import annotations

from load_tests import locustfile, scenarios
from stampede.cast import by_file

FILES = [str(locustfile.__file__), str(scenarios.__file__)]
EVERYBODY = [
    *(locustfile.InventoryManagementUser, locustfile.OrderProcessingUser, locustfile.EverythingUser),
    *(scenarios.LastItemRace, scenarios.BulkOperations),
]


def test_the_first_file_is_the_usual_mix_the_others_are_scenarios() -> None:
    """Who has no weight is neither: it takes part where it is named, and is not among `all`."""
    usual, others = by_file(EVERYBODY, FILES)
    assert usual == [locustfile.InventoryManagementUser, locustfile.OrderProcessingUser]
    assert others == [scenarios.LastItemRace, scenarios.BulkOperations]


def test_a_file_alone_has_no_scenarios() -> None:
    """A locustfile of one's own is taken as it is."""
    usual, others = by_file(EVERYBODY[:2], FILES[:1])
    assert (usual, others) == (EVERYBODY[:2], [])
