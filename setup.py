"""Builds the packet path: Python compiled by Cython in its pure-Python mode, bounds checks on.

Every module listed here also runs uncompiled; without a C compiler the install goes on and says so. The C types are in
the `.pxd` file beside each module, so that its annotations stay those that mypy reads.
"""

import os
import shutil
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

COMPILED: tuple[str, ...] = (
    "exporter.model",
    "exporter.net.frames",
    "exporter.net.table",
    "exporter.net.lengths",
    "exporter.net.sides",
    "exporter.net.delivery",
    "exporter.net.embryos",
    "exporter.net.glancing",
    "exporter.net.sequences",
    "exporter.net.connections",
    "exporter.net.entries",
    "exporter.net.engine",
    "exporter.protocols.backlog",
    "exporter.protocols.fifo",
    "exporter.protocols.lane",
    "exporter.protocols.units",
    "exporter.protocols.pairing",
    "exporter.protocols.conversation",
    "exporter.protocols.outline",
    "exporter.protocols.redis_session",
    "exporter.protocols.redis_requests",
    "exporter.protocols.redis_replies",
    "exporter.protocols.redis_lane",
    "exporter.protocols.redis_match",
    "exporter.protocols.redis",
    "exporter.protocols.paths",
    "exporter.protocols.http_head",
    "exporter.protocols.http_side",
    "exporter.protocols.http",
    "exporter.protocols.http2_headers",
    "exporter.protocols.http2",
    "exporter.protocols.tls_records",
    "exporter.protocols.tls_hello",
    "exporter.protocols.tls",
    "exporter.protocols.sql_tokens",
    "exporter.protocols.sql_query",
    "exporter.protocols.sql",
    "exporter.protocols.postgres_session",
    "exporter.protocols.postgres_frontend",
    "exporter.protocols.postgres_backend",
    "exporter.protocols.postgres",
    "exporter.protocols.memcached_session",
    "exporter.protocols.memcached_requests",
    "exporter.protocols.memcached_replies",
    "exporter.protocols.memcached_binary",
    "exporter.protocols.memcached",
    "exporter.protocols.mysql_session",
    "exporter.protocols.mysql_commands",
    "exporter.protocols.mysql_replies",
    "exporter.protocols.mysql",
    "exporter.services.histogram",
    "exporter.services.operations",
    "exporter.services.counters",
    "exporter.services.sampling",
    "exporter.services.account",
    "exporter.services.tally",
    "exporter.services.tcpsocket",
    "exporter.services.transfers",
    "exporter.sources.clocks",
    "exporter.sources.ends",
    "exporter.sources.tcptable",
)

DIRECTIVES = {
    "annotation_typing": False,
    "boundscheck": True,
    "cdivision": True,
    "initializedcheck": False,  # a view that was never set has the length 0, so the bounds check stops it as well
    "wraparound": False,
}

# With a compiler an error in one module must stop the build: its stale twin would go on shadowing the source.
COMPILER = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
HAS_COMPILER = shutil.which(COMPILER) is not None and Path(sysconfig.get_paths()["include"], "Python.h").exists()

CORES = os.cpu_count() or 1


def _optimisation(name: str) -> str:
    """Return the compiler's flag: parsers spend their time in Python's own C, where more costs only compile time."""
    return "-O3" if name.startswith("exporter.net.") else "-O1"


setup(
    ext_modules=cythonize(
        [
            Extension(
                name,
                [name.replace(".", "/") + ".py"],
                extra_compile_args=[_optimisation(name), "-g0", "-w"],
                optional=not HAS_COMPILER,
            )
            for name in COMPILED
        ],
        language_level=3,
        compiler_directives=DIRECTIVES,
        nthreads=CORES,
    ),
    options={"build_ext": {"parallel": CORES}},
)
