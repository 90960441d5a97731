"""The five boards, declared in one place: the source of Grafana's boards and of the page of `platestream
board`.
"""

from platestream.boards.audit import AUDIT
from platestream.boards.hits import HITS
from platestream.boards.hotlists import HOT_LISTS
from platestream.boards.operations import OPERATIONS
from platestream.boards.panel import Board
from platestream.boards.retention import RETENTION

BOARDS: tuple[Board, ...] = (OPERATIONS, HITS, HOT_LISTS, AUDIT, RETENTION)
