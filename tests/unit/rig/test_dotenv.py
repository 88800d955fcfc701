"""`.env`: what is read, what is refused, and what is warned of. tests/cluster/test_dotenv.py asks Compose."""

from __future__ import annotations

from pathlib import Path

import pytest

from stampede.rig import UsageError, dotenv


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OUTSIDE", "from outside")
    monkeypatch.delenv("NOWHERE", raising=False)
    monkeypatch.setattr(dotenv, "_warned", set())
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        # a value ends with its line, or where a comment begins
        ("P=a", "a"),
        ("export P = a b  \nQ=2", "a b"),
        ("P=a#b # c", "a#b"),
        ("P=", ""),
        ("P: a", "a"),
        ("# P=b\n\n  P=a\r\n", "a"),
        # quotes
        ("P='a # b' # c", "a # b"),
        ('P="two\nlines"', "two\nlines"),
        ("P='it\\'s'", "it's"),
        (r'P="say \"hi\"\t\\"', 'say "hi"\t\\'),
        (r"P='a\nb'", r"a\nb"),
        # variables: of the environment, and of lines before
        ("P=$OUTSIDE/${OUTSIDE}", "from outside/from outside"),
        ("A=1\nP=$A$A", "11"),
        ("OUTSIDE=other\nP=$OUTSIDE", "from outside"),
        ("P='$OUTSIDE'", "$OUTSIDE"),
        # a $ as such
        ("P=pa$$word", "pa$word"),
        ("P='pa$word'", "pa$word"),
        (r'P="pa\$word"', "pa$word"),
        ("P=5$", "5$"),
        # a name alone is that of the environment
        ("P=1\nP\n", "1"),
    ],
)
def test_a_value_is_what_compose_finds(file: Path, content: str, value: str) -> None:
    file.write_text(content)
    assert dotenv.read(file)["P"] == value


def test_a_name_alone_is_inherited(file: Path) -> None:
    file.write_text("OUTSIDE\nNOWHERE\n")
    assert dotenv.read(file) == {"OUTSIDE": "from outside"}


def test_without_a_file_there_is_nothing(file: Path) -> None:
    assert dotenv.read(file) == {}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("A=1\nB secret=2", ".env, line 2: write NAME=value"),
        ("B secret", ".env, line 1: write NAME=value"),
        ("=secret", ".env, line 1: write NAME=value"),
        ("'secret'", ".env, line 1: write NAME=value"),
        ('A=1\n\nB="secret', '.env, line 3: the quote " is not closed'),
        ("A=${secret", ".env, line 1: '${' is not closed: for a $ itself write $$"),
        ("A=${1secret}", ".env, line 1: '${…}' has no variable: for a $ itself write $$"),
        (
            "A=${secret:?secret}",
            ".env, line 1: its value needs a variable that is not set: for a $ itself write $$",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(file: Path, content: str, complaint: str) -> None:
    """And without its text, which may be a password."""
    file.write_text(content)
    with pytest.raises(UsageError) as refused:
        dotenv.read(file)
    assert str(refused.value) == complaint


def test_a_variable_that_is_not_set_is_warned_of_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A password that is cut without a word would be another one."""
    file.write_text('A=1\nP="pa$NOWHERE"')
    for _ in range(2):
        assert dotenv.read(file)["P"] == "pa"
    warning = (
        "stampede: .env, line 2: a variable in the value is not set and is replaced by nothing: "
        "for a $ itself write $$\n"
    )
    assert capsys.readouterr().err == warning
