"""How the laws are tried where a bug has been planted: to be caught, not to be explained."""

from hypothesis import Phase, settings

settings.register_profile(
    "planted", settings.get_profile("loaded"), phases=(Phase.explicit, Phase.generate)
)
