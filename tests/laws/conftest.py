"""How the laws are tried: on a real PostgreSQL as well; and where a bug has been planted, to be
caught and not to be explained.
"""

from hypothesis import Phase, settings
from support.postgres import postgresql

__all__ = ["postgresql"]

settings.register_profile("planted", phases=(Phase.explicit, Phase.generate))
