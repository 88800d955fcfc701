"""Exit with 0 if /health answers 200, else with 1.

It uses a bare socket: importing an HTTP client would cost more than the check.
"""

import socket
import sys

with socket.create_connection(("127.0.0.1", 8000), timeout=2) as api:
    api.sendall(b"HEAD /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
    sys.exit(b" 200 " not in api.recv(64))
