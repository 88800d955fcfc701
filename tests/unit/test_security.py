"""docs/security.md is the list of protections, and each of them can be taken out of the code as it is now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.security.catalogue import HEAD, ROOT, Protection, Removal, RemovalError, read

PAGE = ROOT / "docs" / "security.md"
PROTECTIONS = read()


def test_the_page_has_every_protection() -> None:
    """`python -m tests.security page` brings it up to date."""
    assert PAGE.read_text().partition(HEAD)[2] == "".join(f"{each.row}\n" for each in PROTECTIONS)


def test_each_protection_has_a_name_of_its_own() -> None:
    names = [protection.name for protection in PROTECTIONS]
    assert len({*names}) == len(names)


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda each: each.name)
def test_a_protection_has_tests_and_can_be_taken_out(protection: Protection, tmp_path: Path) -> None:
    for test in protection.tests:
        file, _, function = test.partition("::")
        defined = re.findall(r"^def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE)
        assert function in defined if function else defined
    copy = tmp_path / protection.removed.file
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text((ROOT / protection.removed.file).read_text())
    protection.removed.apply(tmp_path)


def test_what_cannot_be_taken_out_is_not_taken_for_taken_out(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("check()\ncheck()\n")
    with pytest.raises(RemovalError, match=r"code.py has 2 times, not once: 'check\(\)'"):
        Removal(Path("code.py"), "check()", "pass").apply(tmp_path)
