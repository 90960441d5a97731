"""A receiver of signed webhooks on port 8080: prints what comes, a JSON line each, and answers 200."""

import json
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


ThreadingHTTPServer(("0.0.0.0", 8080), Receiver).serve_forever()
