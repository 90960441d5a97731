"""A process that writes a topic of the embedded edge and says on its output what was acknowledged.

python -m tests.support.topic_writer FOLDER NAME [LARGEST_FILE_BYTES]
"""

import os
import resource
import signal
import sys
from itertools import count
from pathlib import Path

from platestream.edges.files import FileTopics
from platestream.edges.topic_file import TopicFileError
from platestream.schemas.message import Message
from platestream.schemas.topics import FRAMES


def main(folder: str, name: str, largest: str = "0") -> None:
    if int(largest):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    streams = FileTopics(Path(folder), follow=False)
    writer = streams.writer(FRAMES)
    for number in count():
        said = f"{name}-{number}"
        try:
            writer.append([Message(name.encode(), said.encode() + b"." * 30_000)])
        except TopicFileError as error:
            print(f"refused {error}", flush=True)
            return
        os.write(1, f"{said}\n".encode())  # at once: others write the same file, and any may be killed


if __name__ == "__main__":
    main(*sys.argv[1:])
