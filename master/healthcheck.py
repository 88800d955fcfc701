"""Exit with 0 if the master's UI answers, also if it asks for a login (401), else with 1.

It uses a bare socket: importing an HTTP client would cost more than the check.
"""

import socket
import sys

with socket.create_connection(("127.0.0.1", 8089), timeout=2) as ui:
    ui.sendall(b"HEAD /worker-count HTTP/1.0\r\n\r\n")
    status = ui.recv(64).split()[1:2]
    sys.exit(status not in ([b"200"], [b"401"]))
