"""The five boards, declared once: Grafana's are made of them, and the page of `platestream board` shows them."""

from platestream.boards.audit import AUDIT
from platestream.boards.hits import HITS
from platestream.boards.hotlists import HOT_LISTS
from platestream.boards.operations import OPERATIONS
from platestream.boards.panel import Board
from platestream.boards.retention import RETENTION

BOARDS: tuple[Board, ...] = (OPERATIONS, HITS, HOT_LISTS, AUDIT, RETENTION)
