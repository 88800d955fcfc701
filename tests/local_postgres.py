"""The PostgreSQL of a local cluster, as its superuser meets it, and as whoever kills it."""

from __future__ import annotations

from pathlib import Path

import psutil

from postgres import embedded, place


class LocalPostgres:
    """That of the checkout in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / ".local" / "postgres"

    @property
    def sockets(self) -> Path:
        """The folder of its socket."""
        return Path(self._postmaster()[4])

    def psql(self, *arguments: str, database: str = embedded.DATABASE) -> str:
        """What psql prints. Raises EmbeddedPostgresError."""
        return embedded.run(embedded.client_command(self.sockets, "psql", *arguments, database=database))

    def processes(self) -> list[psutil.Process]:
        """All that it consists of at this moment, the postmaster first."""
        postmaster = psutil.Process(int(self._postmaster()[0]))
        return [postmaster, *postmaster.children()]

    def kill(self) -> None:
        """All of its processes at once, as a power failure would; circus starts it again."""
        for process in self.processes():
            process.kill()

    def _postmaster(self) -> list[str]:
        """The lines of its file: the first is its process id, the fifth its socket's folder."""
        return (place.find_place(self._data).cluster / "postmaster.pid").read_text().splitlines()
