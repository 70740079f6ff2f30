"""Records Postfix's sink for mail; the commands that it told are what it counted."""

import subprocess
from pathlib import Path

from tests.live.support.mail import environment, send, smtp_sink
from tests.pcaps.tape import recorded


def smtp(folder: Path, file: Path) -> dict[str, object]:
    """Record what Postfix's own client sends, two recipients a message, and Python's."""
    folder.mkdir()
    with smtp_sink(folder) as sink:
        with recorded(file, sink.port):
            source = ("-s", "2", "-m", "10", "-r", "2", "-l", "4000", "-f", "a@x.example", "-t", "b@y.example")
            subprocess.run(
                [str(sink.tree.binary("smtp-source")), *source, f"127.0.0.1:{sink.port}"],
                check=True,
                env=environment(sink.tree),
            )
            send(sink.port, 12)
        counts = sink.counts()
        operations = {name: count for name, count in sink.commands().items() if name not in (".", "XTEST")}
    return {**counts, "operations": operations}
