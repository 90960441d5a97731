"""A local authority of time stamps (RFC 3161): `openssl ts` behind a port, with certificates of its own."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

CONFIG = """
[tsa]
default_tsa = local
[local]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[req]
distinguished_name = subject
prompt = no
[subject]
CN = Local authority
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[stamps]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
"""


class Authority(NamedTuple):
    """Its address, and the root certificate."""

    url: str
    root: Path


def openssl(*words: str) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """For as long as it is served."""
    folder.mkdir()
    config = folder / "openssl.cnf"
    config.write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    result = ("-config", str(config), "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    root, key = folder / "root.pem", folder / "root.key"
    openssl(
        "req", "-x509", *result, "-extensions", "root", "-days", "9", "-out", f"{root}", "-keyout", f"{key}"
    )
    openssl(
        *("req", "-x509", *result, "-extensions", "stamps", "-days", "9", "-subj", "/CN=Stamps"),
        *("-CA", f"{root}", "-CAkey", f"{key}", "-out", f"{folder}/tsa.pem", "-keyout", f"{folder}/tsa.key"),
    )
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query, reply = folder / "query", folder / "reply"
            with lock:
                query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
                openssl("ts", "-reply", "-config", f"{config}", "-queryfile", f"{query}", "-out", f"{reply}")
                body = reply.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Authority(f"http://127.0.0.1:{server.server_port}/tsr", root)
    finally:
        server.shutdown()
        server.server_close()
