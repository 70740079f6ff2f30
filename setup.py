"""Builds the packet path: Python compiled by Cython in its pure-Python mode, bounds checks on.

Every module listed here also runs uncompiled; without a C compiler the install goes on and says so.
"""

from Cython.Build import cythonize
from setuptools import Extension, setup

COMPILED: tuple[str, ...] = ()

setup(
    ext_modules=cythonize(
        [Extension(name, [name.replace(".", "/") + ".py"], optional=True) for name in COMPILED],
        language_level=3,
        compiler_directives={"boundscheck": True, "wraparound": False, "initializedcheck": True, "cdivision": True},
    )
)
