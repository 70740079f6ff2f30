"""How surprising a point is by its series' own past alone: from the first day on, without a season or a history.

Several causal views of each series (`views`), each with a tail learnt as it goes (`tails`), joined into one score
(`surprise`). State per series is bounded, whatever its age.
"""

from detector.streams.surprise import Surprise

__all__ = ["Surprise"]
