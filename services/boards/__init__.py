"""The five boards, declared once: Grafana's are made of them, and the page of `platestream board` shows them."""

from services.boards.audit import AUDIT
from services.boards.hits import HITS
from services.boards.hotlists import HOT_LISTS
from services.boards.operations import OPERATIONS
from services.boards.panel import Board
from services.boards.retention import RETENTION

BOARDS: tuple[Board, ...] = (OPERATIONS, HITS, HOT_LISTS, AUDIT, RETENTION)
