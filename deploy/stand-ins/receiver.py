"""A receiver of signed webhooks on port 8080: prints each body that comes, a line each, and answers 200."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        print(self.headers["webhook-id"], self.headers["webhook-signature"], body.decode())
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Only what comes is printed."""


ThreadingHTTPServer(("0.0.0.0", 8080), Receiver).serve_forever()
