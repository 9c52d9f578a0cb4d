"""Score matching, patch by patch: the small library that the course builds and uses.

Every score has one call, ``score(x, sigma)``. Start with :mod:`lessons_lib.distributions`
for exact scores, :mod:`lessons_lib.losses` for learning them, :mod:`lessons_lib.samplers`
for drawing with them and :mod:`lessons_lib.reconstruction` for using them on images.
Importing this package imports nothing else.
"""

__version__ = "0.1.0"
