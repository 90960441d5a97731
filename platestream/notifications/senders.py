"""Senders of notifications: a signed webhook, mail, and services of Apprise.

A sender returns when the receiver has accepted the notice. It raises `Unreachable` for temporary failures and
`Rejected` for permanent ones. `reason` is a code from a bounded set, because texts of a receiver must not be
logged.
"""

import base64
import logging
import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import apprise
import httpx
import msgspec
from apprise.attachment.memory import AttachMemory

from platestream.notifications import webhook_signature
from platestream.operators.notify.message import Notice
from platestream.schemas.message import RefusedError

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
SMTP_SECONDS = 15.0
PASSING = frozenset({408, 409, 425, 429})  # 409: the receiver is still busy with this very id

logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its log contains URLs with keys, and titles
logging.getLogger("httpx").setLevel(logging.WARNING)  # its log contains URLs


class SendError(Exception):
    """A failed delivery; `reason` is a code, `detail` what failed where, without anything of the notice."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Unreachable(SendError):  # noqa: N818
    """A temporary failure: retry."""


class Rejected(SendError):  # noqa: N818
    """A permanent failure: the receiver does not accept this notice."""


Send = Callable[[Notice], None]


class Webhook:
    """Sender of signed JSON by POST; any 2xx is an acknowledgment. Redirects are not followed."""

    def __init__(self, url: str, key: bytes) -> None:
        self._url, self._key = url, key
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def __call__(self, notice: Notice) -> None:
        body = json_of(notice)
        ident = str(notice.delivery_id)
        fields = {
            "content-type": "application/json",
            "idempotency-key": ident,
            **webhook_signature.headers(self._key, ident, datetime.now(UTC), body),
        }
        try:
            answer = self._client.post(self._url, content=body, headers=fields)
        except httpx.TimeoutException:
            raise Unreachable("timeout") from None
        except httpx.HTTPError:
            raise Unreachable("connection") from None
        if answer.is_success:
            return
        reason = f"http_{answer.status_code}"
        raise (Unreachable if answer.status_code in PASSING or answer.is_server_error else Rejected)(reason)


class MailServer:
    """Mail server for outgoing messages."""

    def __init__(
        self, server: str, sender: str, domain: str, security: str, user: str = "", password: str = ""
    ) -> None:
        host, _colon, port = server.rpartition(":")
        self._host, self._port = (host, int(port)) if host else (server, 465 if security == "tls" else 587)
        self.sender, self.domain = sender, domain
        self._security, self._user, self._password = security, user, password

    def hand_in(self, message: EmailMessage) -> None:
        """Send a message. Raises SendError."""
        try:
            with self._open() as server:
                if self._security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(message)
                server.putcmd("quit")
                server.close()  # the message was accepted, so no reply to QUIT is needed
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _words in error.recipients.values()]
            raise _by_code(max(codes)) from None
        except smtplib.SMTPResponseException as error:
            raise _by_code(error.smtp_code) from None
        except (smtplib.SMTPException, OSError):
            raise Unreachable("connection") from None

    def _open(self) -> smtplib.SMTP:
        if self._security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=SMTP_SECONDS, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=SMTP_SECONDS)


class MailTo:
    """Sender of mail to one address.

    The Message-ID is the delivery's, so a message sent again is the same mail.
    """

    def __init__(self, server: MailServer, address: str) -> None:
        self._server, self._address = server, address

    def __call__(self, notice: Notice) -> None:
        message = EmailMessage()
        message["Message-ID"] = f"<{notice.delivery_id}@{self._server.domain}>"
        message["From"], message["To"] = self._server.sender, self._address
        message["Date"] = notice.captured_at
        message["Subject"] = notice.subject
        message["Auto-Submitted"] = "auto-generated"
        if notice.priority == 1:
            message["X-Priority"], message["Importance"] = "1", "high"
        message.set_content(notice.text)
        for name, jpeg in notice.pictures.items():
            message.add_attachment(jpeg, maintype="image", subtype="jpeg", filename=f"{name}.jpg")
        self._server.hand_in(message)


class ByApprise:
    """Sender for Pushover, ntfy, Teams, Slack, SMS gateways, MQTT and other services of Apprise.

    Apprise reports only success or failure, so every failure is retried. These services have no id that would
    make a notice unique: after a crash during sending it may arrive twice.
    """

    def __init__(self, url: str) -> None:
        self._services = apprise.Apprise()
        if not self._services.add(url):
            raise RefusedError("rules", "`apprise` is no URL that Apprise knows")

    def __call__(self, notice: Notice) -> None:
        pictures = [
            AttachMemory(  # type: ignore[no-untyped-call]
                content=jpeg, name=f"{name}.jpg", mimetype="image/jpeg"
            )
            for name, jpeg in notice.pictures.items()
        ]
        attached: dict[str, Any] = {"attach": pictures} if pictures else {}
        if not self._services.notify(title=notice.subject, body=notice.text, **attached):
            raise Unreachable("apprise")


def json_of(notice: Notice) -> bytes:
    """Return the JSON of a notice, with its pictures in base64."""
    if not notice.pictures:
        return notice.body
    coded = {name: base64.b64encode(jpeg).decode() for name, jpeg in notice.pictures.items()}
    return msgspec.json.encode({**msgspec.json.decode(notice.body), "pictures": coded})


def read_secret(path: str) -> str:
    """Return the text of a secret's file. Raises RefusedError, which names the file."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise RefusedError("rules", f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RefusedError("rules", f"{path}: the file is not in UTF-8") from None


def _by_code(code: int) -> SendError:
    return (Rejected if code >= 500 else Unreachable)(f"smtp_{code}")
