"""Builds the packet path: Python compiled by Cython in its pure-Python mode, bounds checks on.

Every module listed here also runs uncompiled; without a C compiler the install goes on and says so. The C types are in
the `.pxd` file beside each module, so that its annotations stay those that mypy reads.
"""

from Cython.Build import cythonize
from setuptools import Extension, setup

COMPILED: tuple[str, ...] = (
    "exporter.model",
    "exporter.net.frames",
    "exporter.net.table",
    "exporter.net.delivery",
    "exporter.net.connections",
    "exporter.net.engine",
    "exporter.protocols.backlog",
    "exporter.protocols.pairing",
    "exporter.protocols.conversation",
    "exporter.protocols.redis_session",
    "exporter.protocols.redis_requests",
    "exporter.protocols.redis_replies",
    "exporter.protocols.redis",
    "exporter.protocols.http_head",
    "exporter.protocols.http",
    "exporter.protocols.sql",
    "exporter.protocols.postgres_session",
    "exporter.protocols.postgres_frontend",
    "exporter.protocols.postgres_backend",
    "exporter.protocols.postgres",
    "exporter.services.counters",
    "exporter.services.sampling",
    "exporter.services.account",
)

DIRECTIVES = {
    "annotation_typing": False,
    "boundscheck": True,
    "cdivision": True,
    "initializedcheck": True,
    "wraparound": False,
}

setup(
    ext_modules=cythonize(
        [
            Extension(name, [name.replace(".", "/") + ".py"], extra_compile_args=["-O3", "-g0", "-w"], optional=True)
            for name in COMPILED
        ],
        language_level=3,
        compiler_directives=DIRECTIVES,
    )
)
