"""What is in use elsewhere, reimplemented to be run beside the detector through the same harness.

Each is a re-implementation of a method, at its usual settings, and speaks for nobody's product. A score of 1 is where
the method usually alerts.
"""

from benchmarks.incumbents.fourier import FOURIER
from benchmarks.incumbents.holt_winters import HOLT_WINTERS
from benchmarks.incumbents.incumbent import Incumbent
from benchmarks.incumbents.kmeans import KMEANS
from benchmarks.incumbents.promql_bands import PROMQL_BANDS
from benchmarks.incumbents.stl import STL_SIGMA

INCUMBENTS = (PROMQL_BANDS, KMEANS, FOURIER, HOLT_WINTERS, STL_SIGMA)

__all__ = ["INCUMBENTS", "Incumbent"]
