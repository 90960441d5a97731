"""A receiver of signed webhooks on port 8080: prints what comes, a JSON line each, and answers 200.

With a PEM file of a key and its certificate it speaks TLS.
"""

import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        told = {name: self.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")}
        print(json.dumps({**told, "body": body.decode()}), flush=True)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Only what comes is printed."""


server = ThreadingHTTPServer(("0.0.0.0", 8080), Receiver)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
