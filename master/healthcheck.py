"""Exit with 0 if the master's UI answers and the master reads messages of workers (204), else with 1.

It uses a bare socket: importing an HTTP client would cost more than the check.
"""

import socket
import sys

with socket.create_connection(("127.0.0.1", 8089), timeout=2) as ui:
    ui.sendall(b"GET /stampede/health HTTP/1.0\r\n\r\n")
    sys.exit(ui.recv(64).split()[1:2] != [b"204"])
