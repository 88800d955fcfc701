"""What the user asked for is understood, or refused with one line that says what to write."""

from pathlib import Path

import pytest

from stampede.rig import UsageError, settings, values, variables
from stampede.rig.settings import Settings
from tests.unit.bare import bare_environment  # noqa: F401


def test_nothing_asked_for_is_all_defaults() -> None:
    """Four workers, Locust's port and the guide's."""
    assert settings.read([]) == Settings()
    assert (Settings().worker_count, Settings().ui_port, Settings().api_port) == (4, 8089, 8000)


def test_arguments_go_before_the_environment_before_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The precedence that .env.example promises."""
    (tmp_path / ".env").write_text("# mine\nUSERS=1\nWORKERS=1\nexport PROFILE='light'\n")
    monkeypatch.setenv("USERS", "2")
    monkeypatch.setenv("WORKERS", "2")
    asked = settings.read(["USERS=3"])
    assert (asked.users, asked.workers, asked.profile) == (3, 2, "light")


def test_host_of_the_environment_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Shells export HOST; only who writes it down means it."""
    monkeypatch.setenv("HOST", "http://from-the-shell")
    assert settings.read([]).host is None
    (tmp_path / ".env").write_text("HOST=http://from-dotenv/\n")
    assert settings.read([]).host == "http://from-dotenv"
    assert settings.read(["HOST=https://told:8443"]).host == "https://told:8443"


def test_force_of_the_environment_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tools have a variable of this name, and it would delete runs."""
    monkeypatch.setenv("FORCE", "1")
    assert settings.read([]).force is False
    assert settings.read(["FORCE=1"]).force is True


def test_an_empty_value_is_not_asked_for() -> None:
    """`make headless USERS=` is `make headless`."""
    assert settings.read(["USERS=", "PROFILE="]) == Settings()


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("PROFILE=hevy", "PROFILE: there is no 'hevy'; choose one of smoke, light"),
        ("USERS=0", "USERS must be a whole number over 0, not '0'"),
        ("USERS=-5", "USERS must be a whole number over 0, not '-5'"),
        ("USERS=1e3", "USERS must be a whole number"),
        ("USERS=٣", "USERS must be a whole number"),
        ("KEEP_RESULTS=0", "KEEP_RESULTS must be a whole number over 0, not '0'"),
        ("KEEP_RESULTS=all", "KEEP_RESULTS must be a whole number over 0, not 'all'"),
        ("WORKERS=two", "WORKERS must be a whole number over 0, not 'two'"),
        ("SPAWN_RATE=nan", "SPAWN_RATE must be a number over 0, not 'nan'"),
        ("RUN_TIME=5x", "RUN_TIME must be a time such as 90, 90s, 5m or 1h30m, not '5x'"),
        ("RUN_TIME=0s", "RUN_TIME must be a time"),
        ("RUN_TIME=1s1m", "RUN_TIME must be a time"),
        ("RUN_TIME=99999999999999999h", "RUN_TIME must be a time"),
        ("RUN_TIME=٣s", "RUN_TIME must be a time"),
        ("HOST=localhost:9000", "HOST must be an address such as"),
        ("HOST=http://ada:secret@localhost", "^HOST must not contain a password, because reports show it"),
        ("HOST=ada:secret@localhost", "^HOST must be an address such as http://[^ ]*, without a password$"),
        ("UI_PORT=99999", "UI_PORT must be a port number up to 65535"),
        ("RUNTIME=podman", "RUNTIME must be compose or local, not 'podman'"),
        ("KEEP_DATA=false", "KEEP_DATA must be 0 or 1, not 'false'"),
        ("LOCUSTFILE=nowhere.py", "LOCUSTFILE: 'nowhere.py' does not exist"),
        ("LOCUSTFILE=.", "LOCUSTFILE: '.' is a folder: give a file in it"),
        (f"LOCUSTFILE={'x' * 300}.py", "LOCUSTFILE: 'xxx.*' cannot be read: File name too long"),
        ("LOCUSTFILE=~nosuchuser/x.py", "LOCUSTFILE: '~nosuchuser/x.py' is not a file: "),
        ("UI_PASSWORD_FILE=~nosuchuser/x", "UI_PASSWORD_FILE: '~nosuchuser/x' is not a file: "),
        ("HOST=http://localhost:abc", "HOST must be an address such as"),
        ("API_PORT=8089", "UI_PORT, API_PORT and MASTER_PORT must differ: they are 8089, 8089 and 5557"),
        (
            "TARGETS=p95 << 3",
            "TARGETS, column 5: '<<': a comparison was expected.*\n    p95 << 3\n        \\^",
        ),
        ("COMPOSE_PROJECT_NAME=../x", "COMPOSE_PROJECT_NAME must be of lower-case letters, .*, not '../x'"),
        ("COMPOSE_PROJECT_NAME=_x", "COMPOSE_PROJECT_NAME must be of lower-case letters"),
        ("smoke", "'smoke' is not a setting: write NAME=value"),
        ("users=5", "there is no setting 'users': use one of PROFILE, SCENARIO, USERS"),
        ("PROFIL=smoke", "there is no setting 'PROFIL'"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(argument: str, complaint: str) -> None:
    """One line: what is wrong, what to write."""
    with pytest.raises(UsageError, match=complaint):
        settings.read([argument])


def test_targets_are_handed_on_as_they_stand() -> None:
    """The master reads them again; blank ones are not asked for."""
    assert settings.read(["TARGETS= p95 < 3s, stable "]).targets == "p95 < 3s, stable"
    assert settings.read(["TARGETS= "]).targets is None


@pytest.mark.parametrize("value", ["90", "90s", "5m", "1h30m", "1h", "2h5s"])
def test_run_times_are_locusts(value: str) -> None:
    """Whatever Locust's --run-time takes."""
    assert settings.read([f"RUN_TIME={value}"]).run_time == value


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("UI_PORT=8090", "8090"),
        ("export UI_PORT = 8090", "8090"),
        ("UI_PORT='8090'", "8090"),
        ('UI_PORT="8090" # mine', "8090"),
        ("UI_PORT=8090 # mine", "8090"),
        ("UI_PORT=a#b", "a#b"),  # a comment has a blank before it
        ("UI_PORT=", ""),
    ],
)
def test_dotenv_is_read_as_compose_reads_it(tmp_path: Path, line: str, value: str) -> None:
    """Quotes, blanks and comments are no part of a value, nor is the mark that some editors begin with."""
    (tmp_path / ".env").write_text(f"\n# a comment\n{line}\n")
    assert variables.environment()["UI_PORT"] == value
    (tmp_path / ".env").write_text(line, encoding="utf-8-sig")
    assert variables.environment()["UI_PORT"] == value


def test_a_dotenv_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(UsageError, match=r"^\.env cannot be read: Is a directory"):
        settings.read([])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"USERS=1\nmore garbage\n", r"^\.env, line 2: write NAME=value$"),
        (b"=x\n", r"\.env, line 1"),
        (b"\377\376", r"\.env is not UTF-8"),
    ],
)
def test_a_broken_dotenv_is_named_with_its_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    """Before anything is started, and without a traceback."""
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(UsageError, match=complaint):
        settings.read([])


def test_broken_profiles_hinder_nobody_who_names_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`make down` goes on; whoever names a profile reads what is wrong with the file."""
    broken = tmp_path / "profiles.toml"
    broken.write_text("[smoke")
    monkeypatch.setattr(values, "PROFILES", broken)
    assert settings.read([]) == Settings()
    with pytest.raises(UsageError, match=r"profiles\.toml cannot be read: "):
        settings.read(["PROFILE=smoke"])


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8089"),
        ("0.0.0.0", "http://127.0.0.1:8089"),  # noqa: S104
        ("192.0.2.7", "http://192.0.2.7:8089"),
        ("::", "http://[::1]:8089"),
    ],
)
def test_the_ui_is_asked_where_it_is_published(bind: str, url: str) -> None:
    assert settings.read([f"UI_BIND={bind}"]).ui_url == url


def test_a_bind_that_is_no_address_is_refused() -> None:
    with pytest.raises(UsageError, match="UI_BIND must be an address of this machine such as"):
        settings.read(["UI_BIND=everywhere"])


def test_the_login_is_of_the_settings_or_a_file(tmp_path: Path) -> None:
    """The end of the file's line is no part of the password, which is never shown."""
    (tmp_path / "secret").write_text("lovelace\n")
    asked = settings.read(["UI_USER=ada", "UI_PASSWORD=lovelace"])
    assert asked.login == ("ada", "lovelace")
    assert "lovelace" not in repr(asked)
    assert settings.read(["UI_USER=ada", f"UI_PASSWORD_FILE={tmp_path}/secret"]).login == ("ada", "lovelace")
    assert settings.read([]).login is None


@pytest.mark.parametrize(
    "given", [["UI_USER=ada"], ["UI_PASSWORD=x"], ["UI_USER=ada", "UI_PASSWORD_FILE=/nowhere"]]
)
def test_half_a_login_is_refused(given: list[str]) -> None:
    with pytest.raises(UsageError, match="UI_PASSWORD"):
        assert settings.read(given).login
